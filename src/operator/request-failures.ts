/** Reports failed requests in the job's status, because its user does not read the operator's log. */

import type { Condition } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import { KubeError } from '../kube/errors.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Action, Decision } from './actions.ts'
import { type ConditionUpdate, mergeConditions } from './conditions.ts'
import { blocksAllPods, type CreateError, createErrorOf, isLasting } from './create-errors.ts'
import { describeEvents } from './events.ts'
import type { Failed } from './execute.ts'

/** The decision with a Created condition that says what could not be created. */
export function addRequestFailures(
  decision: Decision,
  failed: readonly Failed[],
  job: Pick<Job, 'metadata' | 'status'>,
  nowMs: number,
): Decision {
  const creations = failed.filter(({ item }) => isCreation(item)).map(({ item, error }) => createErrorOf(error, item))
  const worst =
    creations.find(({ isFinal }) => isFinal) ?? creations.find(({ reason }) => isLasting(reason)) ?? creations[0]
  if (!worst) return decision
  const update: ConditionUpdate = {
    type: 'Created',
    status: 'False',
    reason: worst.reason,
    message: textOf(worst, creations),
  }
  const failure: ConditionUpdate[] = worst.isFinal ? [{ ...update, type: 'Failed', status: 'True' }] : []
  const facts = { nowMs, observedGeneration: job.metadata.generation }
  const updates = [update, ...failure]
  const isReplaced = ({ type }: Condition) => updates.some((one) => one.type === type)
  // Compared with the stored status, so that a failure that lasts is written and published once.
  const before = job.status?.conditions.filter(isReplaced) ?? []
  const merged = mergeConditions(before, updates, facts)
  const others = decision.status.conditions.filter((one) => !isReplaced(one))
  const conditions = mergeConditions([...merged, ...others], [], facts)
  const status = { ...decision.status, conditions, ...(worst.isFinal ? { phase: 'Failed' as const } : {}) }
  const events = describeEvents(job.status, status, [])
  const rest = decision.events.filter((event) => event.reason === 'PodReplaced')
  return { ...decision, status, events: [...events, ...rest] }
}

function isCreation({ type }: Action): boolean {
  return type.startsWith('create') || type === 'replacePod'
}

function textOf({ message }: CreateError, creations: readonly CreateError[]): string {
  return `${message}${creations.length > 1 ? ` (and ${creations.length - 1} more)` : ''}`
}

/** Whether the last attempt failed for a reason that blocks every pod of the job. */
export function isBlocked(job: Pick<Job, 'status'>): boolean {
  const created = job.status?.conditions.find(({ type }) => type === 'Created')
  return created?.status === 'False' && blocksAllPods(created.reason)
}

/** The first error that may go away by itself: the reconcile fails with it, and the queue retries after a back-off. */
export function firstTransient(failed: readonly Failed[]): unknown {
  return failed.find(({ item, error }) => createErrorOf(error, item).retryMs === undefined)?.error
}

/** The longest Retry-After of the API server; 0: none. */
export function retryAfterSeconds(failed: readonly Failed[]): number {
  return Math.max(0, ...failed.map(({ error }) => (error instanceof KubeError && error.retryAfterSeconds) || 0))
}

/** Milliseconds until the next attempt at failures that last; Infinity: none. */
export function nextRetryMs(failed: readonly Failed[]): number {
  return Math.min(...failed.map(({ item, error }) => createErrorOf(error, item).retryMs ?? Number.POSITIVE_INFINITY))
}

export function describeFailures(failed: readonly Failed[]): { action: string; code: string; error: string }[] {
  return failed
    .slice(0, 5)
    .map(({ item, error }) => ({ action: item.type, code: errorCode(error), error: errorMessage(error) }))
}
