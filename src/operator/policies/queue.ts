/** A job in a queue of Kueue: what it waits for, and what Kueue is told when pods go. */
import { kueueQueueOf, RETRIABLE_ANNOTATION } from '../../plan/kueue.ts'
import type { Action } from '../actions.ts'
import type { Finding } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { allSlots, type World } from '../world.ts'

/**
 * Kueue keeps a pod that is being deleted until another one has taken its place. Under computed names that one cannot
 * be made while the first is there, so it is let go. @returns also for pods whose job is gone
 */
export function releasePods(pods: readonly PodFacts[]) {
  return pods
    .filter((pod) => pod.deleting && pod.isHeld)
    .map(({ name, uid, finalizers }) => ({ type: 'releasePod' as const, name, uid, finalizers }))
}

/** The job has ended: its quota is free once the pods that are kept have ended, too. */
export function leaveQueue(world: World, removed: readonly Action[]): Action[] {
  if (kueueQueueOf(world.job) === undefined) return []
  const going = new Set(removed.flatMap((action) => (action.type === 'deletePod' ? [action.uid] : [])))
  const kept = world.pods.filter((pod) => !pod.deleting && !going.has(pod.uid))
  const [first] = kept
  if (!first || kept.some(({ isLast }) => isLast)) return []
  return [{ type: 'annotatePod', name: first.name, uid: first.uid, annotations: { [RETRIABLE_ANNOTATION]: 'false' } }]
}

/** @returns undefined: nothing holds the pods back from the scheduler */
export function describeQueueing(world: World): Finding | undefined {
  const gated = allSlots(world).filter(({ pod }) => pod?.isGated)
  if (gated.length === 0) return undefined
  const queue = kueueQueueOf(world.job)
  const message = `${gated.length} of ${allSlots(world).length} pods wait ${
    queue === undefined ? 'behind a scheduling gate' : `for queue "${queue}" to admit the job`
  }`
  return { type: 'Scheduled', status: 'False', reason: queue === undefined ? 'SchedulingGated' : 'Queued', message }
}
