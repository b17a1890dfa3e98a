/**
 * What the policies of one decision read: the job, its pods in their places, and the facts that several of them need.
 */
import type { Job } from '../api/job.ts'
import type { JobStatus } from '../api/status.ts'
import { ROLES, type Role } from '../contract/names.ts'
import type { Observed, PodFacts } from './observed.ts'

/** The place of one pod: a role and an index below the desired count. */
export interface Slot {
  role: Role
  index: number
  name: string
  /** The pod of this job, of the current generation. */
  pod: PodFacts | undefined
  /** Another pod that holds the name: another owner's, or one of an older generation of this job. */
  occupant: PodFacts | undefined
}

export interface PlacedPods {
  desired: Readonly<Record<Role, number>>
  slots: Readonly<Record<Role, readonly Slot[]>>
  /** All pods of this job by owner uid, those in slots and the leftovers. */
  pods: readonly PodFacts[]
  /** Parameter servers of an older generation, and pods with an index beyond the desired count. */
  leftovers: readonly PodFacts[]
  /** Pods of other owners under names that this job uses. */
  foreignPods: readonly PodFacts[]
  psGeneration: number
}

/** What the failure of one pod means. */
export interface Failure {
  class: 'permanent' | 'retryable'
  /** Whether it counts against backoffLimit. Disruptions by the cluster do not. */
  counted: boolean
  /** For programs: the error code of the process, or the reason that Kubernetes gives. */
  reason: string
  /** @example 'worker-17: OOMKilled (exit 137)' */
  text: string
  /** `text` without the reason, for places that show it separately. */
  message: string
}

export interface World extends PlacedPods {
  job: Job
  observed: Observed
  nowMs: number
  previous: JobStatus | undefined
  /** The last step is saved; only the evaluator may still run. */
  trainingFinished: boolean
  /** The failed pods that the job must react to, in the order in which they ended. */
  failures: ReadonlyMap<PodFacts, Failure>
  restarts: JobStatus['restarts']
}

export function allSlots(world: Pick<World, 'slots'>): Slot[] {
  return ROLES.flatMap((role) => world.slots[role])
}

export const isRunning = (slot: Slot): boolean => slot.pod?.phase === 'Running' && !slot.pod.deleting

export const isFinished = (pod: PodFacts): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed'

export function runningIn(world: World, role: Role): number {
  return world.slots[role].filter(isRunning).length
}

/** The failures of those pods that have failed. */
export function failuresAmong(world: World, slots: readonly Slot[]): { pod: PodFacts; failure: Failure }[] {
  return slots.flatMap(({ pod }) => {
    const failure = pod && world.failures.get(pod)
    return failure ? [{ pod, failure }] : []
  })
}
