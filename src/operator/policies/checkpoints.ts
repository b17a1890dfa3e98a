/** The checkpoints of a job, their scores, and whether saving works. */
import type { Job } from '../../api/job.ts'
import type { JobStatus } from '../../api/status.ts'
import type { CheckpointInfo, EvaluatorStatus } from '../../contract/status.ts'
import { headlineMetric } from '../../plan/metric.ts'
import { type ConditionUpdate, findCondition } from '../conditions.ts'
import type { World } from '../world.ts'

type Checkpoint = NonNullable<JobStatus['checkpoint']>

/** Ascending by step. Empty: none is known. */
export function listCheckpoints(world: World): Checkpoint[] {
  const { coordinator, evaluator } = world.observed
  const before = world.previous?.checkpoints ?? []
  const reported: readonly (CheckpointInfo | Checkpoint)[] = coordinator?.checkpoints ?? before
  // A termination message has room for the newest ones only; older checkpoints are still on the volume.
  const hasEnded = world.slots.ps[0]?.pod?.phase !== 'Running'
  const older = hasEnded ? before.filter(({ step }) => !reported.some((one) => one.step === step)) : []
  return [...reported, ...older]
    .map((info) => withScore(info, before, evaluator, headlineMetric(world.job).name))
    .sort((a, b) => a.step - b.step)
}

/** The coordinator reports scores while it runs; the last checkpoint is scored after it has ended. */
function withScore(
  { step, digest, path, savedAt, final, score }: CheckpointInfo | Checkpoint,
  before: readonly Checkpoint[],
  evaluator: EvaluatorStatus | undefined,
  metric: string,
): Checkpoint {
  const evaluation = evaluator?.evaluations.find((one) => one.digest === digest)
  const known = score ?? evaluation?.metrics[metric] ?? before.find((one) => one.digest === digest)?.score
  return { step, digest, path, savedAt, final, ...(known === undefined ? {} : { score: known }) }
}

/** @returns condition CheckpointDegraded: True after a failed save until a later one succeeds */
export function describeSaving(world: World, newest: Checkpoint | undefined): ConditionUpdate | undefined {
  const failures = world.observed.coordinator?.checkpointFailures
  if (!failures) return undefined
  const before = findCondition(world.previous?.conditions, 'CheckpointDegraded')
  if (failures.count === 0) {
    return { type: 'CheckpointDegraded', status: 'False', reason: 'Saving', message: 'checkpoints are saved' }
  }
  const message = `${failures.count} saves failed, the last: ${failures.lastError ?? 'no reason given'}`
  const isNew = before?.message !== message
  const savedSince = newest?.digest !== world.previous?.checkpoint?.digest
  const isDegraded = isNew || (before.status === 'True' && !savedSince)
  return {
    type: 'CheckpointDegraded',
    status: isDegraded ? 'True' : 'False',
    reason: isDegraded ? 'SaveFailed' : 'SavedAgain',
    message,
  }
}

export function newestResults(world: World): JobStatus['results'] {
  const newest = world.observed.evaluator?.evaluations.toSorted((a, b) => b.step - a.step)[0]
  const before = world.previous?.results
  // A replaced evaluator starts with an empty list, so its newest result may be older.
  if (!newest || (before && before.step > newest.step)) return before
  const { step, metrics, examples, reduced } = newest
  return { step, metrics, examples, ...(reduced && { reduced }) }
}

/** @param reports those of the new status. The evaluator scores in order of step, and gives up on damaged checkpoints. */
export function evaluationProgress(
  world: World,
  { checkpoints = [], results }: Pick<JobStatus, 'checkpoints' | 'results'>,
): JobStatus['evaluation'] {
  if (!world.job.spec.evaluation) return undefined
  const isWaiting = ({ step, score }: Checkpoint) => score === undefined && step > (results?.step ?? -1)
  const waiting = checkpoints.filter(isWaiting).length
  const skipped = world.observed.coordinator?.checkpointsSkipped ?? world.previous?.evaluation?.skipped ?? 0
  return { waiting, skipped }
}

/** @example 'top1 0.412', with spec.evaluation.exclude 'top1 0.412 (0.405 reduced)' */
export function headlineOf(job: Job, results: JobStatus['results']): string | undefined {
  const { name } = headlineMetric(job)
  const value = results?.metrics[name]
  const reduced = results?.reduced?.metrics[name]
  if (value === undefined) return undefined
  return `${name} ${value.toFixed(3)}${reduced === undefined ? '' : ` (${reduced.toFixed(3)} reduced)`}`
}
