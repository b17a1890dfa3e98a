/** Jobs whose run has something to show in every panel, in a few minutes on 2 cores. */
import { writeFile } from 'node:fs/promises'
import { dump } from 'js-yaml'
import { API_VERSION } from '../../src/contract/names.ts'
import type { SmallJobs } from '../../test/faults/small-job.ts'

export const PRETRAIN_JOB = 'jft-mini'
export const WORKERS = 4
const MAX_STEPS = 1500
/** The second FinetuneJob starts from here while pre-training goes on. */
const TRANSFER_STEP = 900
/** Enough for pre-training to help, so that the table of scores shows a difference. */
export const SIZES = {
  ...{ images: 8000, evaluationImages: 200, downstreamTrainPerClass: 20, downstreamValPerClass: 5 },
}
/** As in the presets. */
const INPUT = { input: { resizePixels: 36, cropPixels: 32 }, batchSize: 32 }

const SPEC = {
  ...INPUT,
  maxSteps: MAX_STEPS,
  learningRate: { type: 'poly', initial: 1e-3, power: 1, warmupSteps: 100 },
  workers: { replicas: WORKERS },
  checkpoint: { everySteps: 150 },
}
/** One waits until pre-training has ended, so that the pictures have a job that does not train yet. */
const STARTS: Readonly<Record<string, object>> = {
  'classification-random': { init: 'random' },
  classification: { from: { pretrainJob: PRETRAIN_JOB, checkpoint: 'step', step: TRANSFER_STEP } },
  'classification-last': { from: { pretrainJob: PRETRAIN_JOB } },
}

/** @returns the files of a run, and its state folder */
export async function writeJobs(jobs: SmallJobs): Promise<{ files: string[]; stateDir: string }> {
  const { file, stateDir } = await jobs.next(SPEC, PRETRAIN_JOB)
  const finetunes = `${stateDir}-finetunes.yaml`
  await writeFile(
    finetunes,
    Object.entries(STARTS)
      .map(([name, start]) => dump(finetuneJob(name, start)))
      .join('---\n'),
  )
  return { files: [file, finetunes], stateDir }
}

function finetuneJob(name: string, start: object): object {
  const data = (path: string) => ({ source: { claimName: 'data', path }, format: 'imagenet-folder' })
  return {
    ...{ apiVersion: API_VERSION, kind: 'FinetuneJob', metadata: { name } },
    spec: {
      ...{ preset: 'downstream-mini', ...INPUT, ...start, maxSteps: 150 },
      ...{ data: data('downstream/train'), evaluation: { data: data('downstream/val') } },
      checkpoint: { everySteps: 50, storage: { volume: { claimName: 'checkpoints' } } },
    },
  }
}
