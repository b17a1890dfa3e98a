/** Events of a reconcile: what changed between the status that is written and the new one. */
import { CONDITIONS, type Condition, type ConditionType } from '../api/conditions.ts'
import type { JobStatus } from '../api/status.ts'
import type { JobEvent } from './actions.ts'
import { findCondition } from './conditions.ts'

/** The ordinary way up, and what another condition tells already. */
const QUIET_REASONS = new Set([
  'Creating',
  'Scheduling',
  'Starting',
  'Succeeded',
  'Failed',
  'Resumed',
  'Suspended',
  'WaitingForSource',
])

/** An untrue state in which all is as it should be. */
const GOOD_REASONS = new Set(['Queued', 'NameTaken'])

/** @param texts replacements of pods, told as they are */
export function describeEvents(before: JobStatus | undefined, after: JobStatus, texts: readonly string[]): JobEvent[] {
  const flips = after.conditions
    .filter((condition) => isNews(condition, findCondition(before?.conditions, condition.type)))
    .map(eventOf)
  return [...flips, ...texts.map((message): JobEvent => ({ type: 'Warning', reason: 'PodReplaced', message }))]
}

/** A condition that became true, or whose untrue state has a new reason (what a job waits for). */
function isNews(now: Condition, before: Condition | undefined): boolean {
  if (now.status === 'True') return before?.status !== 'True' || before.reason !== now.reason
  return !isQuiet(now) && before?.reason !== now.reason
}

/** Untrue states that are only the absence of trouble, or the ordinary way up. */
function isQuiet({ type, reason }: Condition): boolean {
  return CONDITIONS[type].badWhenTrue || QUIET_REASONS.has(reason)
}

function eventOf({ type, status, reason, message }: Condition): JobEvent {
  const isBad = status === 'True' ? CONDITIONS[type].badWhenTrue : type !== 'Suspended' && !GOOD_REASONS.has(reason)
  const shown = eventReason(type, reason)
  return { type: isBad ? 'Warning' : 'Normal', reason: shown, message: withReason(shown, reason, message) }
}

/** An event shows its own reason beside the message. */
function withReason(shown: string, reason: string, message: string): string {
  return shown === reason ? message : `${reason}: ${message}`
}

/** The reason itself says it, except where it is only the value of a condition. */
function eventReason(type: ConditionType, reason: string): string {
  return type === 'Failed' || type === 'Succeeded' ? type : reason
}
