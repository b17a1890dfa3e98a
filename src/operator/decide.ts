/** What to do for a job, and what to say about it: a pure function of the job and what was observed. */
import type { ConditionType } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import type { Action, Decision } from './actions.ts'
import { buildWorld } from './build-world.ts'
import type { Finding } from './conditions.ts'
import { describeEvents } from './events.ts'
import type { Observed } from './observed.ts'
import { describeSaving } from './policies/checkpoints.ts'
import { cleanUp } from './policies/cleanup.ts'
import { checkDeadline } from './policies/deadline.ts'
import { removeOutdated } from './policies/drift.ts'
import { type Ending, writtenEnding } from './policies/ending.ts'
import { backoffLimitExceeded, permanentFailure } from './policies/failure.ts'
import { formGang } from './policies/gang.ts'
import { findLostNodes, type LostNodes, nameLostNodes } from './policies/lost-node.ts'
import { pinCheckpoints } from './policies/pins.ts'
import { describeStall, type Stall } from './policies/progress.ts'
import { admittedAtMs, describeQueueing, isQueued, leaveQueue, releasePods, whileQueued } from './policies/queue.ts'
import { describeDegradation } from './policies/quorum.ts'
import { replaceFailed } from './policies/replacement.ts'
import { restartParameterServers } from './policies/restart.ts'
import { describeRunning } from './policies/running.ts'
import { endSidecars } from './policies/sidecars.ts'
import { resolveSource } from './policies/source.ts'
import { describeCreation, describeScheduling, removeSurplus, startMissing } from './policies/startup.ts'
import { success } from './policies/success.ts'
import { atRest, describeSuspension, removeAll, withoutPods } from './policies/suspend.ts'
import { makeTransfers } from './policies/transfers.ts'
import { expire } from './policies/ttl.ts'
import { type Known, readReports, type Verdict, writeStatus } from './status.ts'
import type { World } from './world.ts'

/** One way to go on: what to do, and what it adds to the status. */
interface Course extends Partial<Verdict> {
  actions?: readonly Action[]
  findings: readonly Finding[]
  /** Told besides what the conditions tell. */
  texts?: readonly string[]
  requeueAtMs?: readonly (number | undefined)[]
}

/** Takes back what decideInvalid said. */
const SPEC_IS_VALID: Finding = { type: 'Failed', status: 'False', reason: 'SpecValid', message: 'the spec was mended' }

/**
 * Deciding again on what was decided, once it has happened, gives no actions and the same status. An end, a pinned
 * source and a new generation are written down before anything is done about them, so a crash in between changes
 * nothing.
 */
export function decide(job: Job, observed: Observed, nowMs: number): Decision {
  const world = buildWorld(job, observed, nowMs)
  const known = readReports(world)
  const lost = findLostNodes(world)
  const course = chooseCourse(world, known, lost)
  const status = writeStatus(world, known, {
    psGeneration: world.psGeneration,
    source: job.status?.source,
    startTime: job.status?.startTime,
    completionTime: job.status?.completionTime,
    ...course,
  })
  const requeueAfterSeconds = secondsUntil([...(course.requeueAtMs ?? []), lost.requeueAtMs], nowMs)
  const forced = new Set(lost.actions.flatMap((action) => ('uid' in action ? [action.uid] : [])))
  const actions = (course.actions ?? []).filter((action) => !('uid' in action && forced.has(action.uid)))
  return {
    actions: [
      ...releasePods(world.pods),
      ...lost.actions,
      ...formGang(job, actions),
      ...actions,
      ...(job.metadata.deletionTimestamp ? [] : endSidecars(world, [...lost.actions, ...actions])),
    ],
    status,
    events: describeEvents(job.status, status, course.texts ?? []),
    ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }),
  }
}

function chooseCourse(world: World, known: Known, lost: LostNodes): Course {
  // The API server's garbage collector removes what the job owns.
  if (world.job.metadata.deletionTimestamp) return { findings: [] }
  const written = writtenEnding(world.previous)
  if (written) return afterTheEnd(world, known, written)
  const done = success(world, known)
  if (done) return end(world, done)
  const course = world.job.spec.suspend ? suspend(world, lost) : goOn(world, known, lost)
  return { ...course, findings: [SPEC_IS_VALID, ...course.findings] }
}

function goOn(world: World, known: Known, lost: LostNodes): Course {
  const source = resolveSource(world)
  if (source.state === 'impossible') return end(world, source.ending, [source.finding])
  const resumed = describeSuspension(world)
  if (source.state === 'waiting')
    return { findings: [source.finding, ...withoutPods('WaitingForSource', source.finding.message), resumed] }
  if (source.state === 'pinned' && !world.previous?.source) {
    // Written down before a pod can see it: all pods of a job start from the same checkpoint.
    return { source: source.source, findings: [source.finding, resumed], requeueAtMs: [world.nowMs] }
  }
  const train = keepTraining(world, known, lost)
  return { ...train, findings: [...(source.state === 'pinned' ? [source.finding] : []), resumed, ...train.findings] }
}

function keepTraining(world: World, known: Known, lost: LostNodes): Course {
  const clock = clockOf(world)
  const deadline = clock.runs ? checkDeadline(world.job, clock.startedAtMs, world.nowMs) : {}
  const ending = permanentFailure(world) ?? backoffLimitExceeded(world) ?? deadline.ending
  if (ending) return end(world, ending)
  const ps = restartParameterServers(world, lost.servers)
  const replaced = replaceFailed(world)
  const degraded = clock.runs ? describeDegradation(world) : whileQueued('Degraded')
  const stall: Stall = clock.runs
    ? describeStall(world, known.progress, clock.startedAtMs, degraded)
    : { finding: whileQueued('Stalled') }
  const lostServers = lost.pods.filter(({ role }) => role === 'ps')
  return {
    startTime: clock.runs ? new Date(clock.startedAtMs).toISOString() : undefined,
    psGeneration: ps.psGeneration,
    actions: [
      ...ps.actions,
      ...startMissing(world, ps.lost),
      ...replaced.actions,
      ...removeSurplus(world),
      ...removeOutdated(world),
      ...pinCheckpoints(world),
      ...makeTransfers(world, known.checkpoints ?? [], false),
    ],
    findings: allUpdates({
      Created: describeCreation(world, lost.strangers),
      Scheduled: describeQueueing(world) ?? describeScheduling(world),
      Running: describeRunning(world),
      Degraded: nameLostNodes(degraded, world, lost.pods),
      Stalled: stall.finding,
      Restarting: ps.finding.status === 'True' ? nameLostNodes(ps.finding, world, lostServers) : ps.finding,
      CheckpointDegraded: describeSaving(world, known.checkpoint),
    }),
    texts: replaced.texts,
    requeueAtMs: [deadline.requeueAtMs, ps.requeueAtMs, replaced.requeueAtMs, stall.requeueAtMs],
  }
}

/** The conditions of a job that trains: a new condition that is missing here is a type error. */
type TrainingCondition = Exclude<ConditionType, 'Suspended' | 'SourceResolved' | 'Succeeded' | 'Failed'>

function allUpdates(updates: Readonly<Record<TrainingCondition, Finding | undefined>>): Finding[] {
  return Object.values(updates).filter((update) => update !== undefined)
}

/** Of the deadlines. It stands still in a queue, and begins anew when the job is admitted. */
function clockOf(world: World): { runs: false } | { runs: true; startedAtMs: number } {
  if (isQueued(world)) return { runs: false }
  const { startTime } = world.previous ?? {}
  return { runs: true, startedAtMs: startTime ? Date.parse(startTime) : admittedAtMs(world) }
}

function suspend(world: World, lost: LostNodes): Course {
  return {
    actions: removeAll(world),
    findings: [
      nameLostNodes(describeSuspension(world), world, lost.pods),
      ...withoutPods('Suspended', 'spec.suspend is true'),
    ],
    // Those of the resumed job must be told from one that may still write.
    psGeneration: world.psGeneration + (lost.servers.length > 0 ? 1 : 0),
    // A resumed job starts its deadlines anew.
    startTime: undefined,
    requeueAtMs: lost.servers.length > 0 ? [world.nowMs] : [],
  }
}

/** Writes the end down; cleaning up waits until it is written. */
function end(world: World, ending: Ending, findings: readonly Finding[] = []): Course {
  const now = new Date(world.nowMs).toISOString()
  return {
    startTime: world.previous?.startTime ?? now,
    completionTime: now,
    findings: [...findings, { ...ending, status: 'True' }, ...atRest(ending.type, ending.message)],
    requeueAtMs: [world.nowMs],
  }
}

function afterTheEnd(world: World, known: Known, ending: Ending): Course {
  const completionTime = world.previous?.completionTime ?? new Date(world.nowMs).toISOString()
  const expiry = expire(world, completionTime)
  const transfers = makeTransfers(world, known.checkpoints ?? [], ending.type === 'Succeeded')
  const removed = cleanUp(world, Date.parse(completionTime))
  return {
    completionTime,
    // A job that makes transfers at its end makes them before it expires.
    actions: [
      ...removed.actions,
      ...leaveQueue(world, removed.actions),
      ...(transfers.length > 0 ? transfers : expiry.actions),
    ],
    findings: [],
    requeueAtMs: [expiry.requeueAtMs, removed.requeueAtMs],
  }
}

function secondsUntil(timesMs: readonly (number | undefined)[], nowMs: number): number | undefined {
  const times = timesMs.filter((time) => time !== undefined)
  if (times.length === 0) return undefined
  return Math.max(0, Math.ceil((Math.min(...times) - nowMs) / 1000))
}
