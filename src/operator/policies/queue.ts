/** A job in a queue of Kueue: what it waits for, and what Kueue is told when pods go. */
import { kueueQueueOf, RETRIABLE_ANNOTATION } from '../../plan/kueue.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { allSlots, isFinished, type World } from '../world.ts'

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

/**
 * None of its pods may run: a job that waits is like one that is suspended, and no deadline runs. Kueue takes a job back
 * by deleting its pods. One pod that is let through is a job that runs, and so is a gang that no node is found for.
 */
export function isQueued(world: World): boolean {
  const isInKueue = kueueQueueOf(world.job) !== undefined
  const open = world.pods.filter((pod) => !isFinished(pod))
  return open.length > 0 && open.every((pod) => pod.isGated || (pod.deleting && isInKueue))
}

/** Since when its pods may run. An operator that was away when they were admitted reads it from the pods. */
export function admittedAtMs(world: World): number {
  const present = world.pods.filter((pod) => !pod.deleting && !isFinished(pod))
  return Math.min(world.nowMs, ...present.flatMap(({ placedAtMs }) => placedAtMs ?? []))
}

const QUEUED = { status: 'False', reason: 'Queued', message: 'no pod may run until the job is admitted' } as const

/** What is said in place of findings about pods that do not do their work. */
export function whileQueued(type: 'Degraded' | 'Stalled'): ConditionUpdate {
  return { type, ...QUEUED }
}

/** @returns undefined: nothing holds the pods back from the scheduler */
export function describeQueueing(world: World): ConditionUpdate | undefined {
  const gated = allSlots(world).filter(({ pod }) => pod?.isGated)
  if (gated.length === 0) return undefined
  const queue = kueueQueueOf(world.job)
  const message = `${gated.length} of ${allSlots(world).length} pods wait ${
    queue === undefined ? 'behind a scheduling gate' : `for queue "${queue}" to admit the job`
  }`
  return { type: 'Scheduled', status: 'False', reason: queue === undefined ? 'SchedulingGated' : 'Queued', message }
}
