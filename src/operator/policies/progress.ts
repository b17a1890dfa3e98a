/** The progress of a job, and whether it has stalled. */
import type { JobStatus } from '../../api/status.ts'
import type { CoordinatorStatus } from '../../contract/status.ts'
import type { ConditionUpdate } from '../conditions.ts'
import { runningIn, type World } from '../world.ts'
import { belowQuorumSinceMs } from './quorum.ts'

type Progress = NonNullable<JobStatus['progress']>
type Lost = Pick<Progress, 'stepsLost' | 'lastRollback'>

/** Times change only together with numbers, so that an idle job causes no writes. */
export function measureProgress(
  before: Progress | undefined,
  coordinator: CoordinatorStatus | undefined,
  nowMs: number,
): Progress | undefined {
  if (!coordinator) return before
  const now = new Date(nowMs).toISOString()
  const { step, maxSteps, loss, etaSeconds, staleness } = coordinator
  const hasAdvanced = before === undefined || step > before.step
  const figures = {
    step,
    maxSteps,
    percent: `${Math.floor((100 * step) / maxSteps)}%`,
    examplesPerSecond: round(coordinator.examplesPerSecond, 1),
    ...(loss === null ? {} : { loss: round(loss, 5) }),
    ...(etaSeconds === null ? {} : { etaSeconds: Math.round(etaSeconds) }),
    stalenessMean: round(staleness.mean, 2),
    stalenessP99: round(staleness.p99, 2),
    workersContributed: coordinator.workersContributed,
    ...countLost(before, coordinator),
  }
  if (before && isSame(figures, before)) return before
  return { ...figures, updatedAt: now, steppedAt: hasAdvanced ? now : before.steppedAt }
}

/**
 * Parameter server 0 knows it from workers, also of steps that were taken since its last report. If no worker has
 * survived, the fall of the step is the best that is known.
 */
function countLost(before: Partial<Progress> = {}, { incarnation, step, stepsLost }: CoordinatorStatus): Lost {
  const { step: last = 0, stepsLost: total = 0, lastRollback } = before
  const counted = lastRollback?.incarnation === incarnation ? lastRollback.steps : 0
  const steps = Math.max(stepsLost, last - step)
  if (steps > counted) return { stepsLost: total + steps - counted, lastRollback: { incarnation, steps } }
  return { ...(total > 0 && { stepsLost: total }), ...(lastRollback && { lastRollback }) }
}

function isSame(figures: Omit<Progress, 'updatedAt' | 'steppedAt'>, before: Progress): boolean {
  const { updatedAt, steppedAt, ...rest } = before
  const keys = new Set([...Object.keys(rest), ...Object.keys(figures)]) as Set<keyof typeof figures>
  return [...keys].every((key) => rest[key] === figures[key])
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

export interface Stall {
  update: ConditionUpdate
  /** When the deadline passes if there is no progress until then. */
  requeueAtMs?: number
}

export function describeStall(
  world: World,
  progress: Progress | undefined,
  startedAtMs: number,
  degraded: ConditionUpdate,
): Stall {
  const moving: ConditionUpdate = { type: 'Stalled', status: 'False', reason: 'Progressing', message: 'the step rises' }
  if (world.trainingFinished) return { update: { ...moving, reason: 'Trained', message: 'the last step is saved' } }
  const limitMs = world.job.spec.progressDeadlineSeconds * 1000
  const steppedAtMs = Math.max(startedAtMs, progress ? Date.parse(progress.steppedAt) : 0)
  const quorumLostMs = belowQuorumSinceMs(world, startedAtMs, degraded)
  const sinceMs = Math.min(steppedAtMs, quorumLostMs ?? Number.POSITIVE_INFINITY)
  if (world.nowMs < sinceMs + limitMs) return { update: moving, requeueAtMs: sinceMs + limitMs }
  const limit = `${world.job.spec.progressDeadlineSeconds} s`
  const isQuorum = quorumLostMs !== undefined && world.nowMs >= quorumLostMs + limitMs
  return { update: isQuorum ? quorumLost(world, limit) : noProgress(progress, limit) }
}

function quorumLost(world: World, limit: string): ConditionUpdate {
  const { quorum = 1, replicas } = world.job.spec.workers
  const running = runningIn(world, 'worker')
  const message = `${running} of ${replicas} workers run for more than ${limit}, the quorum is ${quorum}`
  return { type: 'Stalled', status: 'True', reason: 'QuorumLost', message }
}

function noProgress(progress: Progress | undefined, limit: string): ConditionUpdate {
  const since = progress ? `at step ${progress.step} since ${progress.steppedAt}` : 'no step was made'
  const message = `no progress for more than ${limit} (progressDeadlineSeconds): ${since}`
  return { type: 'Stalled', status: 'True', reason: 'NoProgress', message }
}
