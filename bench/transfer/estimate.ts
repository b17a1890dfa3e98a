/** How long the benchmark takes on 2 cores with WebAssembly. */
import { pretrainSteps, type Run, scaled } from './manifests.ts'
import type { TransferTask } from './tasks.ts'
import { LONGER, VARIANTS } from './variants.ts'

/** Of a step of pre-training with two workers, when nothing else runs. */
const PRETRAIN_STEP_SECONDS = 0.094
const PRETRAIN_JOBS = 2
/** To generate the data sets of a seed. */
const DATA_SECONDS = 60
/** To start a job, save and score it. */
const JOB_SECONDS = 8
/** Two fine-tuning jobs train side by side. */
const AT_ONCE = 2

export function secondsOfSeed(run: Run, tasks: readonly TransferTask[]): number {
  const pretraining = PRETRAIN_JOBS * (JOB_SECONDS + scaled(pretrainSteps, run) * PRETRAIN_STEP_SECONDS)
  const perTask = tasks.map(({ steps, stepSeconds }) => {
    const training = (VARIANTS.length * scaled(steps, run) + scaled(LONGER * steps, run)) * stepSeconds
    return (training + (VARIANTS.length + 1) * JOB_SECONDS) / AT_ONCE
  })
  return DATA_SECONDS + pretraining + perTask.reduce((sum, seconds) => sum + seconds, 0)
}
