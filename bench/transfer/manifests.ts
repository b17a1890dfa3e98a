/** The manifests of the comparison for one seed: claims with generated data, pre-training, and the jobs of each task. */
import { API_VERSION } from '../../src/contract/names.ts'
import { claim, claimOfData, type Manifest, yamlOf } from '../local-jobs.ts'
import type { TransferTask } from './tasks.ts'
import { CONTROL, LONG_TWIN, LONGER, overridesOf, PRETRAINING, type RandomTwin, VARIANTS } from './variants.ts'

export interface Run {
  readonly seed: number
  readonly stateDir: string
  /** Of all steps; less than 1 tries the benchmark, and its scores then mean nothing. */
  readonly scale: number
}

const PRETRAIN_STEPS = 1500
const CHECKPOINTS = 'checkpoints'
const SAVED_TIMES = 2

/** Pre-training, its control, and every variant of each task. */
export function firstManifests(run: Run, tasks: readonly TransferTask[]): string {
  const kinds = new Set([PRETRAINING, CONTROL, ...tasks.map(({ dataKind }) => dataKind)])
  const jobs = tasks.flatMap((task) =>
    VARIANTS.map((variant) => finetuneJob(run, task, variant, { steps: task.steps, fields: overridesOf(variant) })),
  )
  return yamlOf([...claims(run, kinds), pretrainJob(run, PRETRAINING), pretrainJob(run, CONTROL), ...jobs])
}

/** The random twin of each task that was better, with more steps. */
export function longManifests(run: Run, twins: readonly { task: TransferTask; twin: RandomTwin }[]): string {
  const jobs = twins.map(({ task, twin }) =>
    finetuneJob(run, task, LONG_TWIN, { steps: LONGER * task.steps, fields: overridesOf(twin) }),
  )
  return yamlOf([...claims(run, new Set(twins.map(({ task }) => task.dataKind))), ...jobs])
}

export function jobName(task: TransferTask, variant: string): string {
  return `${task.name}-${variant}`
}

/** @returns steps of the run, at least one */
export function scaled(steps: number, { scale }: Run): number {
  return Math.max(1, Math.round(steps * scale))
}

export const pretrainSteps = PRETRAIN_STEPS

function claims(run: Run, kinds: ReadonlySet<string>): Manifest[] {
  return [...[...kinds].map((kind) => claimOfData(kind, run)), claim(CHECKPOINTS)]
}

function pretrainJob(run: Run, name: string): Manifest {
  const maxSteps = scaled(PRETRAIN_STEPS, run)
  const data = (path: string) => ({ source: { claimName: name, path }, format: 'tfrecord', labels: 'labels.json' })
  return job('PretrainJob', name, run, maxSteps, {
    preset: 'jft-mini',
    data: data('pretrain'),
    evaluation: { data: data('evaluation') },
  })
}

function finetuneJob(
  run: Run,
  task: TransferTask,
  variant: string,
  { steps, fields }: { steps: number; fields: Manifest },
): Manifest {
  const data = ({ path, ...format }: TransferTask['train']) => ({
    source: { claimName: task.dataKind, ...(path !== undefined && { path }) },
    ...format,
  })
  return job('FinetuneJob', jobName(task, variant), run, scaled(steps, run), {
    preset: task.preset,
    data: data(task.train),
    evaluation: { data: data(task.val) },
    ...fields,
  })
}

function job(kind: string, name: string, { seed }: Run, maxSteps: number, fields: Manifest): Manifest {
  const everySteps = Math.max(1, Math.ceil(maxSteps / SAVED_TIMES))
  const checkpoint = { everySteps, storage: { volume: { claimName: CHECKPOINTS } } }
  return { apiVersion: API_VERSION, kind, metadata: { name }, spec: { ...fields, seed, maxSteps, checkpoint } }
}
