/** Creates the FinetuneJobs of PretrainJob.spec.transfers: one at each configured step, and one on success. */
import type { JobStatus } from '../../api/status.ts'
import type { Action } from '../actions.ts'
import type { World } from '../world.ts'

/**
 * Creates each transfer once. After it exists, an annotation of the PretrainJob records it, so a FinetuneJob that a
 * user or its TTL deleted is not created again.
 */
export function makeTransfers(
  world: World,
  checkpoints: NonNullable<JobStatus['checkpoints']>,
  hasSucceeded: boolean,
): Action[] {
  const { transfers, transfersMade } = world.observed
  const made = new Set(transfersMade)
  const isDue = (step: number | undefined) =>
    step === undefined ? hasSucceeded : checkpoints.some((saved) => saved.step === step)
  const unrecorded = transfers.filter(({ name }) => !made.has(name))
  const due = unrecorded.filter(({ exists, step }) => !exists && isDue(step))
  const existing = unrecorded.filter(({ exists }) => exists).map(({ name }) => name)
  return [
    ...due.map(({ name }): Action => ({ type: 'createTransfer', name })),
    ...(existing.length > 0 ? [{ type: 'noteTransfers' as const, names: [...transfersMade, ...existing].sort() }] : []),
  ]
}
