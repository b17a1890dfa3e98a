/** Requests that failed, told in the job's own status: the user reads the job, not the operator's log. */
import type { Job } from '../api/job.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Decision } from './actions.ts'
import { type Failed, isNameConflict } from './apply.ts'
import { type Finding, mergeConditions } from './conditions.ts'
import { describeEvents } from './events.ts'

/** The same decision, its Created condition saying what could not be created. */
export function tellFailures(
  decision: Decision,
  failed: readonly Failed[],
  job: Pick<Job, 'metadata' | 'status'>,
  nowMs: number,
): Decision {
  const creations = failed.filter(({ item }) => item.type.startsWith('create') || item.type === 'replacePod')
  const worst = creations.find(({ error }) => isNameConflict(error)) ?? creations[0]
  if (!worst) return decision
  const finding: Finding = {
    type: 'Created',
    status: 'False',
    reason: isNameConflict(worst.error) ? 'NameConflict' : 'CreateFailed',
    message: `${errorMessage(worst.error)}${creations.length > 1 ? ` (and ${creations.length - 1} more)` : ''}`,
  }
  const facts = { nowMs, observedGeneration: job.metadata.generation }
  // Over what is written, so that a failure that lasts is written and told once.
  const before = job.status?.conditions.filter(({ type }) => type === 'Created') ?? []
  const created = mergeConditions(before, [finding], facts)
  const others = decision.status.conditions.filter(({ type }) => type !== 'Created')
  const status = { ...decision.status, conditions: [...created, ...others] }
  const told = describeEvents(job.status, status, [])
  const rest = decision.events.filter((event) => event.reason === 'PodReplaced')
  return { ...decision, status, events: [...told, ...rest] }
}

/** What makes the reconcile fail and come back soon; a taken name is a person's to mend. */
export function firstTransient(failed: readonly Failed[]): unknown {
  return failed.find(({ error }) => !isNameConflict(error))?.error
}

export function describeFailures(failed: readonly Failed[]): { action: string; code: string; error: string }[] {
  return failed
    .slice(0, 5)
    .map(({ item, error }) => ({ action: item.type, code: errorCode(error), error: errorMessage(error) }))
}
