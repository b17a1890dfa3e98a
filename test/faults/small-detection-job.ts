/** A FinetuneJob of coco-detection small enough to run many times: a dozen of pictures, half a minute on 2 cores. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { API_VERSION } from '../../src/contract/names.ts'
import { writeCoco } from '../support/coco-files.ts'
import { makeScenes, SCENE_CLASSES } from '../support/scenes.ts'
import { claim } from './claim.ts'

export const DETECTION_STEPS = 120
export const DETECTION_JOB = 'boxes'

const PICTURES = 24
const SCORED = 6

export interface SmallDetectionJobs {
  /** Writes a manifest file and names a new state folder for one run; all runs share the data. */
  next(spec?: Record<string, unknown>): Promise<{ file: string; stateDir: string }>
  remove(): Promise<void>
}

export async function prepareDetectionJobs(): Promise<SmallDetectionJobs> {
  const root = await mkdtemp(join(tmpdir(), 'downpour-detection-'))
  const data = join(root, 'data')
  await writeCoco(data, 'train', makeScenes(PICTURES, 3))
  await writeCoco(data, 'val', makeScenes(SCORED, 4))
  let runs = 0
  return {
    async next(spec = {}) {
      const stateDir = join(root, `run-${runs++}`)
      const file = `${stateDir}.yaml`
      const checkpoint = { ...SPEC.checkpoint, ...(spec.checkpoint as object) }
      const whole = { ...SPEC, ...spec, checkpoint }
      const job = { apiVersion: API_VERSION, kind: 'FinetuneJob', metadata: { name: DETECTION_JOB }, spec: whole }
      await writeFile(file, [claim('data', data), claim('checkpoints'), job].map((one) => dump(one)).join('---\n'))
      return { file, stateDir }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

const setOf = (name: string) => ({
  source: { claimName: 'data' },
  format: 'coco',
  annotations: `annotations/instances_${name}.json`,
})

const SPEC = {
  preset: 'coco-detection-mini',
  init: 'random',
  task: {
    type: 'coco-detection',
    classes: SCENE_CLASSES.length,
    ...{ anchorBase: 32, anchorScales: [0.5, 0.75, 1], borderAnchors: 'kept', proposerChannels: 16 },
    ...{ proposerSamples: 32, candidates: 100, proposals: 20, cropSize: 7, cropPool: 1, boxSamples: 16 },
  },
  batchNorm: { mode: 'calibrated' },
  batchSize: 2,
  maxSteps: DETECTION_STEPS,
  data: setOf('train'),
  evaluation: { data: setOf('val') },
  checkpoint: { everySteps: 20, storage: { volume: { claimName: 'checkpoints' } } },
}
