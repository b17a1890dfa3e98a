/** The events of a reconcile: the differences between the previous status and the new one. */
import { CONDITIONS, type Condition, type ConditionType } from '../api/conditions.ts'
import type { JobStatus } from '../api/status.ts'
import type { JobEvent } from './actions.ts'
import { findCondition } from './conditions.ts'

/** Reasons without an event: ordinary steps of a start, and what another condition already reports. */
const QUIET_REASONS = new Set([
  'Creating',
  'Scheduling',
  'Starting',
  'Succeeded',
  'Failed',
  'Resumed',
  'Suspended',
  'NotChosen',
  'WaitingForSource',
])

/** Reasons with which a False condition is not a problem. */
const GOOD_REASONS = new Set(['Queued', 'NameTaken'])

/** @param texts messages of PodReplaced events */
export function describeEvents(before: JobStatus | undefined, after: JobStatus, texts: readonly string[]): JobEvent[] {
  const conditionEvents = after.conditions
    .filter((condition) => isNew(condition, findCondition(before?.conditions, condition.type)))
    .map(eventOf)
  return [
    ...conditionEvents,
    ...texts.map((message): JobEvent => ({ type: 'Warning', reason: 'PodReplaced', message })),
  ]
}

/** A condition that became True, or that is not True for a new reason, such as what the job waits for. */
function isNew(now: Condition, before: Condition | undefined): boolean {
  if (now.status === 'True') return before?.status !== 'True' || before.reason !== now.reason
  return !isQuiet(now) && before?.reason !== now.reason
}

/** A condition that is not True because nothing is wrong, or because the job is starting. */
function isQuiet({ type, reason }: Condition): boolean {
  return CONDITIONS[type].badWhenTrue || QUIET_REASONS.has(reason)
}

function eventOf({ type, status, reason, message }: Condition): JobEvent {
  const isBad = status === 'True' ? CONDITIONS[type].badWhenTrue : type !== 'Suspended' && !GOOD_REASONS.has(reason)
  const shown = eventReason(type, reason)
  return { type: isBad ? 'Warning' : 'Normal', reason: shown, message: withReason(shown, reason, message) }
}

/** Puts the condition's reason into the message where the event has another reason. */
function withReason(shown: string, reason: string, message: string): string {
  return shown === reason ? message : `${reason}: ${message}`
}

/** The condition's reason, except for endings: there the reason is a code of the program. */
function eventReason(type: ConditionType, reason: string): string {
  return type === 'Failed' || type === 'Succeeded' ? type : reason
}
