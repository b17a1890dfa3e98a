/**
 * A PretrainJob small enough to run many times: images of 16 pixels, ten seconds on 2 cores. It trains on WASM, which needs
 * no set-up; `small-detection-job.ts` uses TensorFlow where it is installed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { API_VERSION } from '../../src/contract/names.ts'
import { makeDataSet } from '../../src/data/generate/make-data-set.ts'
import { claim } from './claim.ts'

export const MAX_STEPS = 400
export const JOB = 'small'

export interface SmallJobs {
  /** Writes a manifest file and names a new state folder for one run; all runs share the data. */
  next(
    spec?: Record<string, unknown>,
    name?: string,
  ): Promise<{ file: string; stateDir: string; checkpointDir: string }>
  dataDir: string
  remove(): Promise<void>
}

const SIZES: Readonly<Record<string, number>> = {
  ...{ images: 640, evaluationImages: 64, downstreamTrainPerClass: 1, downstreamValPerClass: 1 },
}

export async function prepareSmallJobs(sizes = SIZES): Promise<SmallJobs> {
  const root = await mkdtemp(join(tmpdir(), 'downpour-faults-'))
  const data = join(root, 'data')
  await makeDataSet('jft-mini', { out: data, seed: 7, sizes })
  let runs = 0
  return {
    dataDir: data,
    async next(spec = {}, name = JOB) {
      const stateDir = join(root, `run-${runs++}`)
      const file = `${stateDir}.yaml`
      await writeFile(file, manifests(data, spec, name))
      return { file, stateDir, checkpointDir: join(stateDir, 'volumes', 'default', 'checkpoints') }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

function manifests(data: string, spec: Record<string, unknown>, name: string): string {
  const checkpoint = { ...SPEC.checkpoint, ...(spec.checkpoint as object) }
  const whole = { ...SPEC, ...spec, checkpoint }
  const job = { apiVersion: API_VERSION, kind: 'PretrainJob', metadata: { name }, spec: whole }
  return [claim('data', data), claim('checkpoints'), job].map((object) => dump(object)).join('---\n')
}

const SPEC = {
  preset: 'jft-mini',
  input: { resizePixels: 18, cropPixels: 16 },
  batchSize: 8,
  maxSteps: MAX_STEPS,
  learningRate: { type: 'constant', initial: 5e-4 },
  workers: { replicas: 2 },
  runtime: { backend: 'wasm' },
  data: { source: { claimName: 'data', path: 'pretrain' }, format: 'tfrecord', labels: 'labels.json' },
  evaluation: {
    data: { source: { claimName: 'data', path: 'evaluation' }, format: 'tfrecord', labels: 'labels.json' },
    metric: 'mAP@100',
  },
  checkpoint: { everySteps: 50, storage: { volume: { claimName: 'checkpoints' } } },
}

/** A FinetuneJob: one from the checkpoint of the PretrainJob, the other from random weights. */
export const finetuneJob = (name: string, init: 'pretrained' | 'random', maxSteps: number) => ({
  apiVersion: API_VERSION,
  kind: 'FinetuneJob',
  metadata: { name },
  spec: {
    preset: 'downstream-mini',
    input: { resizePixels: 18, cropPixels: 16 },
    ...(init === 'random' ? { init } : { from: { pretrainJob: JOB } }),
    maxSteps,
    batchSize: 4,
    data: { source: { claimName: 'data', path: 'downstream/train' }, format: 'imagenet-folder' },
    evaluation: { data: { source: { claimName: 'data', path: 'downstream/val' }, format: 'imagenet-folder' } },
    checkpoint: { everySteps: 4, storage: { volume: { claimName: 'checkpoints' } } },
  },
})
