/** Decides the actions and the new status of a job: a pure function of the job and the observed state. */
import type { ConditionType } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import type { Action, Decision } from './actions.ts'
import { buildWorld } from './build-world.ts'
import type { ConditionUpdate } from './conditions.ts'
import { describeEvents } from './events.ts'
import type { Observed } from './observed.ts'
import { describeSaving } from './policies/checkpoints.ts'
import { cleanUp } from './policies/cleanup.ts'
import { checkDeadline } from './policies/deadline.ts'
import { removeOutdated } from './policies/drift.ts'
import { type Ending, writtenEnding } from './policies/ending.ts'
import { formGang } from './policies/gang.ts'
import { findLostNodes, type LostNodes, nameLostNodes } from './policies/lost-node.ts'
import { pinCheckpoints } from './policies/pins.ts'
import { backoffLimitExceeded, permanentFailure } from './policies/pod-failure.ts'
import { replaceFailed } from './policies/pod-replacement.ts'
import { describeStall, type Stall } from './policies/progress.ts'
import { restartParameterServers } from './policies/ps-generation.ts'
import { admittedAtMs, describeQueueing, isQueued, leaveQueue, releasePods, whileQueued } from './policies/queue.ts'
import { describeDegradation } from './policies/quorum.ts'
import { describeRunning } from './policies/running.ts'
import { endSidecars } from './policies/sidecars.ts'
import { resolveSource } from './policies/source.ts'
import { describeCreation, describeScheduling, removeSurplus, startMissing } from './policies/startup.ts'
import { replaceStragglers } from './policies/stragglers.ts'
import { success } from './policies/success.ts'
import { describeSuspension, endedConditions, removeAll, withoutPods } from './policies/suspend.ts'
import { makeTransfers } from './policies/transfers.ts'
import { expire } from './policies/ttl.ts'
import { type Reports, readReports, type StatusInput, writeStatus } from './status.ts'
import type { World } from './world.ts'

/** The actions for the present state of a job, and their part of the status. */
interface Outcome extends Partial<StatusInput> {
  actions?: readonly Action[]
  updates: readonly ConditionUpdate[]
  /** Events besides those of the conditions. */
  texts?: readonly string[]
  requeueAtMs?: readonly (number | undefined)[]
}

/** Clears the condition that decideInvalid has set. */
const SPEC_IS_VALID: ConditionUpdate = {
  type: 'Failed',
  status: 'False',
  reason: 'SpecValid',
  message: 'the spec is valid again',
}

/**
 * Idempotent: after the actions are executed and the status is written, it returns no actions and the same status. An
 * ending, a pinned source and a new generation are written to the status before they are acted on, so a crash between
 * the two writes loses nothing.
 */
export function decide(job: Job, observed: Observed, nowMs: number): Decision {
  const world = buildWorld(job, observed, nowMs)
  const reports = readReports(world)
  const lost = findLostNodes(world)
  const outcome = chooseOutcome(world, reports, lost)
  const status = writeStatus(world, reports, {
    psGeneration: world.psGeneration,
    source: job.status?.source,
    startTime: job.status?.startTime,
    completionTime: job.status?.completionTime,
    stragglersReplaced: job.status?.stragglersReplaced,
    ...outcome,
  })
  const requeueAfterSeconds = secondsUntil([...(outcome.requeueAtMs ?? []), lost.requeueAtMs], nowMs)
  const forced = new Set(lost.actions.flatMap((action) => ('uid' in action ? [action.uid] : [])))
  const actions = (outcome.actions ?? []).filter((action) => !('uid' in action && forced.has(action.uid)))
  return {
    actions: [
      ...releasePods(world.pods),
      ...lost.actions,
      ...formGang(job, actions),
      ...actions,
      ...(job.metadata.deletionTimestamp ? [] : endSidecars(world, [...lost.actions, ...actions])),
    ],
    status,
    events: describeEvents(job.status, status, outcome.texts ?? []),
    ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }),
  }
}

function chooseOutcome(world: World, reports: Reports, lost: LostNodes): Outcome {
  // The API server's garbage collector removes what the job owns.
  if (world.job.metadata.deletionTimestamp) return { updates: [] }
  const written = writtenEnding(world.previous)
  if (written) return decideAfterEnding(world, reports, written)
  const done = success(world, reports)
  if (done) return end(world, done)
  const outcome = world.job.spec.suspend ? suspend(world, lost) : continueJob(world, reports, lost)
  return { ...outcome, updates: [SPEC_IS_VALID, ...outcome.updates] }
}

function continueJob(world: World, reports: Reports, lost: LostNodes): Outcome {
  const source = resolveSource(world)
  if (source.state === 'impossible') return end(world, source.ending, [source.update])
  const resumed = describeSuspension(world)
  if (source.state === 'waiting')
    return { updates: [source.update, ...withoutPods('WaitingForSource', source.update.message), resumed] }
  if (source.state === 'pinned' && !world.previous?.source) {
    // Written to the status before any pod is created, so that all pods start from the same checkpoint.
    return { source: source.source, updates: [source.update, resumed], requeueAtMs: [world.nowMs] }
  }
  const train = keepTraining(world, reports, lost)
  return { ...train, updates: [...('update' in source ? [source.update] : []), resumed, ...train.updates] }
}

function keepTraining(world: World, reports: Reports, lost: LostNodes): Outcome {
  const clock = clockOf(world)
  const deadline = clock.runs ? checkDeadline(world.job, clock.startedAtMs, world.nowMs) : {}
  const ending = permanentFailure(world) ?? backoffLimitExceeded(world) ?? deadline.ending
  if (ending) return end(world, ending)
  const ps = restartParameterServers(world, lost.servers)
  const replaced = replaceFailed(world)
  const degraded = clock.runs ? describeDegradation(world) : whileQueued('Degraded')
  const stall: Stall = clock.runs
    ? describeStall(world, reports.progress, clock.startedAtMs, degraded)
    : { update: whileQueued('Stalled') }
  const stragglers = clock.runs ? replaceStragglers(world) : undefined
  const lostServers = lost.pods.filter(({ role }) => role === 'ps')
  return {
    startTime: clock.runs ? new Date(clock.startedAtMs).toISOString() : undefined,
    psGeneration: ps.psGeneration,
    ...(stragglers && { stragglersReplaced: stragglers.replaced }),
    actions: [
      ...ps.actions,
      ...startMissing(world, ps.lost),
      ...replaced.actions,
      ...(stragglers?.actions ?? []),
      ...removeSurplus(world),
      ...removeOutdated(world),
      ...pinCheckpoints(world),
      ...makeTransfers(world, reports.checkpoints ?? [], false),
    ],
    updates: allUpdates({
      Created: describeCreation(world, lost.foreignPods),
      Scheduled: describeQueueing(world) ?? describeScheduling(world),
      Running: describeRunning(world),
      Degraded: nameLostNodes(degraded, world, lost.pods),
      Straggling: stragglers ? stragglers.update : whileQueued('Straggling'),
      Stalled: stall.update,
      Restarting: ps.update.status === 'True' ? nameLostNodes(ps.update, world, lostServers) : ps.update,
      CheckpointDegraded: describeSaving(world, reports.checkpoint),
    }),
    texts: [...replaced.texts, ...(stragglers?.texts ?? [])],
    requeueAtMs: [deadline, ps, replaced, stall, stragglers].map((one) => one?.requeueAtMs),
  }
}

/** The conditions of a job that trains: a new condition that is missing here is a type error. */
type TrainingCondition = Exclude<ConditionType, 'Suspended' | 'SourceResolved' | 'Succeeded' | 'Failed'>

function allUpdates(updates: Readonly<Record<TrainingCondition, ConditionUpdate | undefined>>): ConditionUpdate[] {
  return Object.values(updates).filter((update) => update !== undefined)
}

/** The clock of the deadlines: it stops while the job is queued and restarts when the job is admitted. */
function clockOf(world: World): { runs: false } | { runs: true; startedAtMs: number } {
  if (isQueued(world)) return { runs: false }
  const { startTime } = world.previous ?? {}
  return { runs: true, startedAtMs: startTime ? Date.parse(startTime) : admittedAtMs(world) }
}

function suspend(world: World, lost: LostNodes): Outcome {
  return {
    actions: removeAll(world),
    updates: [
      nameLostNodes(describeSuspension(world), world, lost.pods),
      ...withoutPods('Suspended', 'spec.suspend is true'),
    ],
    // The resumed job's servers must be distinguishable from one on a lost node that may still write.
    psGeneration: world.psGeneration + (lost.servers.length > 0 ? 1 : 0),
    // The deadlines restart when the job is resumed.
    startTime: undefined,
    requeueAtMs: lost.servers.length > 0 ? [world.nowMs] : [],
  }
}

/** Writes the ending to the status; pods are cleaned up only after that write. */
function end(world: World, ending: Ending, updates: readonly ConditionUpdate[] = []): Outcome {
  const now = new Date(world.nowMs).toISOString()
  return {
    startTime: world.previous?.startTime ?? now,
    completionTime: now,
    updates: [...updates, { ...ending, status: 'True' }, ...endedConditions(ending.type, ending.message)],
    requeueAtMs: [world.nowMs],
  }
}

function decideAfterEnding(world: World, reports: Reports, ending: Ending): Outcome {
  const completionTime = world.previous?.completionTime ?? new Date(world.nowMs).toISOString()
  const expiry = expire(world, completionTime)
  const transfers = makeTransfers(world, reports.checkpoints ?? [], ending.type === 'Succeeded')
  const removed = cleanUp(world, Date.parse(completionTime))
  return {
    completionTime,
    // Transfers on success are created before the job is deleted.
    actions: [
      ...removed.actions,
      ...leaveQueue(world, removed.actions),
      ...(transfers.length > 0 ? transfers : expiry.actions),
    ],
    updates: [],
    requeueAtMs: [expiry.requeueAtMs, removed.requeueAtMs],
  }
}

function secondsUntil(timesMs: readonly (number | undefined)[], nowMs: number): number | undefined {
  const times = timesMs.filter((time) => time !== undefined)
  if (times.length === 0) return undefined
  return Math.max(0, Math.ceil((Math.min(...times) - nowMs) / 1000))
}
