/** PretrainJob.spec.transfers: a FinetuneJob at each step that asks for one, and on success. */
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
  const open = transfers.filter(({ name }) => !made.has(name))
  const due = open.filter(({ exists, step }) => !exists && isDue(step))
  const seen = open.filter(({ exists }) => exists).map(({ name }) => name)
  return [
    ...due.map(({ name }): Action => ({ type: 'createTransfer', name })),
    ...(seen.length > 0 ? [{ type: 'noteTransfers' as const, names: [...transfersMade, ...seen].sort() }] : []),
  ]
}
