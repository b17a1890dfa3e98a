/** Deletes pods of a job that has ended, after the ending is in the status: pods hold the evidence for it. */
import type { Action } from '../actions.ts'
import { isFinished, type World } from '../world.ts'

/** Grace for the kubelet to end sidecars; after it, a pod whose sidecars still run is deleted as a running pod is. */
const SIDECARS_END_WITHIN_MS = 120_000

export interface CleanUp {
  actions: Action[]
  requeueAtMs?: number
}

export function cleanUp(world: World, endedAtMs: number): CleanUp {
  const policy = world.job.spec.cleanPodPolicy
  if (policy === 'None') return { actions: [] }
  const dueMs = endedAtMs + SIDECARS_END_WITHIN_MS
  const present = world.pods.filter((pod) => !pod.deleting)
  const isRemoved = (outlived: boolean) => policy === 'All' || (outlived && world.nowMs >= dueMs)
  const removed = present.filter((pod) => !isFinished(pod) || isRemoved(pod.outlived))
  const isWaiting = present.some((pod) => pod.outlived && !removed.includes(pod))
  return {
    actions: removed.map(({ name, uid }) => ({ type: 'deletePod', name, uid })),
    ...(isWaiting ? { requeueAtMs: dueMs } : {}),
  }
}
