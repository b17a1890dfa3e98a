/** Jobs in a Kueue queue: what they wait for, and how their pods leave the queue. */
import { kueueQueueOf, RETRIABLE_ANNOTATION } from '../../plan/kueue.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { allSlots, isFinished, type World } from '../world.ts'

/**
 * Kueue's finalizer keeps a deleted pod until a replacement exists. With computed names the replacement cannot be
 * created while the first pod exists, so the operator removes the finalizer, also from pods whose job is gone.
 */
export function releasePods(pods: readonly PodFacts[]) {
  return pods
    .filter((pod) => pod.deleting && pod.isHeld)
    .map(({ name, uid, finalizers }) => ({ type: 'releasePod' as const, name, uid, finalizers }))
}

/** Marks a kept pod of an ended job, so that Kueue frees the quota when the kept pods have ended. */
export function leaveQueue(world: World, removed: readonly Action[]): Action[] {
  if (kueueQueueOf(world.job) === undefined) return []
  const deleted = new Set(removed.flatMap((action) => (action.type === 'deletePod' ? [action.uid] : [])))
  const kept = world.pods.filter((pod) => !pod.deleting && !deleted.has(pod.uid))
  const [first] = kept
  if (!first || kept.some(({ isLast }) => isLast)) return []
  return [{ type: 'annotatePod', name: first.name, uid: first.uid, annotations: { [RETRIABLE_ANNOTATION]: 'false' } }]
}

/**
 * Whether the queue lets none of the pods run; then no deadline counts, as in a suspended job. Kueue evicts a job by
 * deleting its pods. A job with one admitted pod is not queued, and neither is a gang that waits for nodes.
 */
export function isQueued(world: World): boolean {
  const isInKueue = kueueQueueOf(world.job) !== undefined
  const open = world.pods.filter((pod) => !isFinished(pod))
  return open.length > 0 && open.every((pod) => pod.isGated || (pod.deleting && isInKueue))
}

/** Since when the pods may run, read from the pods because the operator may have been down when they were admitted. */
export function admittedAtMs(world: World): number {
  const present = world.pods.filter((pod) => !pod.deleting && !isFinished(pod))
  return Math.min(world.nowMs, ...present.flatMap(({ placedAtMs }) => placedAtMs ?? []))
}

const QUEUED = { status: 'False', reason: 'Queued', message: 'no pod may run until the job is admitted' } as const

/** Replaces the update of a condition about running pods while the job is queued. */
export function whileQueued(type: 'Degraded' | 'Straggling' | 'Stalled'): ConditionUpdate {
  return { type, ...QUEUED }
}

/** @returns undefined when no pod has a scheduling gate */
export function describeQueueing(world: World): ConditionUpdate | undefined {
  const gated = allSlots(world).filter(({ pod }) => pod?.isGated)
  if (gated.length === 0) return undefined
  const queue = kueueQueueOf(world.job)
  const message = `${gated.length} of ${allSlots(world).length} pods wait ${
    queue === undefined ? 'behind a scheduling gate' : `for queue "${queue}" to admit the job`
  }`
  return { type: 'Scheduled', status: 'False', reason: queue === undefined ? 'SchedulingGated' : 'Queued', message }
}
