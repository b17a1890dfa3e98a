/** Requests that failed, told in the job's own status: the user reads the job, not the operator's log. */

import type { Condition } from '../api/conditions.ts'
import type { Job } from '../api/job.ts'
import { KubeError } from '../kube/errors.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Action, Decision } from './actions.ts'
import { type ConditionUpdate, mergeConditions } from './conditions.ts'
import { blocksAllPods, type CreateError, createErrorOf, isLasting } from './create-errors.ts'
import { describeEvents } from './events.ts'
import type { Failed } from './execute.ts'

/** The same decision, its Created condition saying what could not be created. */
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
  const isTold = ({ type }: Condition) => updates.some((one) => one.type === type)
  // Over what is written, so that a failure that lasts is written and told once.
  const before = job.status?.conditions.filter(isTold) ?? []
  const merged = mergeConditions(before, updates, facts)
  const others = decision.status.conditions.filter((one) => !isTold(one))
  const conditions = mergeConditions([...merged, ...others], [], facts)
  const status = { ...decision.status, conditions, ...(worst.isFinal ? { phase: 'Failed' as const } : {}) }
  const told = describeEvents(job.status, status, [])
  const rest = decision.events.filter((event) => event.reason === 'PodReplaced')
  return { ...decision, status, events: [...told, ...rest] }
}

function isCreation({ type }: Action): boolean {
  return type.startsWith('create') || type === 'replacePod'
}

function textOf({ message }: CreateError, creations: readonly CreateError[]): string {
  return `${message}${creations.length > 1 ? ` (and ${creations.length - 1} more)` : ''}`
}

/** Whether the last try met something that keeps out every pod. */
export function isBlocked(job: Pick<Job, 'status'>): boolean {
  const created = job.status?.conditions.find(({ type }) => type === 'Created')
  return created?.status === 'False' && blocksAllPods(created.reason)
}

/** What makes the reconcile fail and come back soon; what only somebody else can mend does not. */
export function firstTransient(failed: readonly Failed[]): unknown {
  return failed.find(({ item, error }) => createErrorOf(error, item).retryMs === undefined)?.error
}

/** What the API server asked for, at most; 0: nothing. */
export function retryAfterSeconds(failed: readonly Failed[]): number {
  return Math.max(0, ...failed.map(({ error }) => (error instanceof KubeError && error.retryAfterSeconds) || 0))
}

/** Milliseconds to the next try of what lasts; Infinity: none. */
export function nextRetryMs(failed: readonly Failed[]): number {
  return Math.min(...failed.map(({ item, error }) => createErrorOf(error, item).retryMs ?? Number.POSITIVE_INFINITY))
}

export function describeFailures(failed: readonly Failed[]): { action: string; code: string; error: string }[] {
  return failed
    .slice(0, 5)
    .map(({ item, error }) => ({ action: item.type, code: errorCode(error), error: errorMessage(error) }))
}
