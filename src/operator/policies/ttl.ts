import type { Action } from '../actions.ts'
import type { World } from '../world.ts'

/**
 * Deletes a job `ttlSecondsAfterFinished` after its end; its checkpoints stay. It waits for the FinetuneJobs that the
 * job has created, because they would be deleted with it.
 */
export function expire(world: World, completionTime: string): { actions: Action[]; requeueAtMs?: number } {
  const seconds = world.job.spec.ttlSecondsAfterFinished
  if (seconds === undefined) return { actions: [] }
  const dueMs = Date.parse(completionTime) + seconds * 1000
  if (world.nowMs < dueMs) return { actions: [], requeueAtMs: dueMs }
  if (world.observed.transfers.some(({ exists, ended }) => exists && !ended)) return { actions: [] }
  return { actions: [{ type: 'deleteJob', uid: world.job.metadata.uid }] }
}
