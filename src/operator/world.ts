/** The observed pods, bucketed once: each policy reads slots instead of searching lists. */
import type { Job } from '../api/job.ts'
import type { JobStatus } from '../api/status.ts'
import { podName, ROLES, type Role } from '../contract/names.ts'
import type { Observed, PodFacts } from './observed.ts'

/** Of the texts of a scheduler, which are long. */
const MAX_CAUSES = 3

/** The place of one pod: a role and an index below the desired count. */
export interface Slot {
  role: Role
  index: number
  name: string
  /** Ours, of the current generation. */
  pod: PodFacts | undefined
  /** The name is taken: by a stranger, or by our own pod of an older generation that is still there. */
  occupant: PodFacts | undefined
}

export interface World {
  job: Job
  observed: Observed
  nowMs: number
  previous: JobStatus | undefined
  desired: Readonly<Record<Role, number>>
  slots: Readonly<Record<Role, readonly Slot[]>>
  /** Ours by uid, slots and leftovers. */
  pods: readonly PodFacts[]
  /** Parameter servers of an older generation, and indices beyond the desired count. */
  leftovers: readonly PodFacts[]
  strangers: readonly PodFacts[]
  psGeneration: number
}

/** The newer of what is written and what runs: a crash between the two must not go back. */
function generationOf(job: Job, pods: readonly PodFacts[]): number {
  const seen = pods.filter((pod) => pod.role === 'ps').map((pod) => pod.generation)
  return Math.max(job.status?.psGeneration ?? 0, ...seen)
}

/** Ours, without parameter servers of an older generation. */
export function currentPods(job: Job, pods: readonly PodFacts[]): PodFacts[] {
  const ours = pods.filter((pod) => pod.ownerUid === job.metadata.uid)
  const generation = generationOf(job, ours)
  return ours.filter((pod) => pod.role !== 'ps' || pod.generation === generation)
}

export function lookAt(job: Job, observed: Observed, nowMs: number): World {
  const pods = observed.pods.filter((pod) => pod.ownerUid === job.metadata.uid)
  const strangers = observed.pods.filter((pod) => pod.ownerUid !== job.metadata.uid)
  const psGeneration = generationOf(job, pods)
  const isOfGeneration = (pod: PodFacts) => pod.role !== 'ps' || pod.generation === psGeneration
  const desired = keepTopology(observed, pods.filter(isOfGeneration))
  const isCurrent = (pod: PodFacts) => pod.index < desired[pod.role] && isOfGeneration(pod)
  const byName = new Map(pods.filter(isCurrent).map((pod) => [pod.name, pod]))
  const leftovers = pods.filter((pod) => !isCurrent(pod))
  const takenBy = new Map([...strangers, ...leftovers].map((pod) => [pod.name, pod]))
  const slotsOf = (role: Role): Slot[] =>
    Array.from({ length: desired[role] }, (_, index) => {
      const name = podName(job.kind, job.metadata.name, role, index)
      return { role, index, name, pod: byName.get(name), occupant: takenBy.get(name) }
    })
  const slots = Object.fromEntries(ROLES.map((role) => [role, slotsOf(role)])) as Record<Role, Slot[]>
  return { job, observed, nowMs, previous: job.status, desired, slots, pods, leftovers, strangers, psGeneration }
}

/**
 * Variables are spread over the parameter servers that run: their number stays until the job is suspended, whatever a
 * changed spec says.
 */
function keepTopology(observed: Observed, pods: readonly PodFacts[]): Record<Role, number> {
  const old = pods.filter((pod) => pod.role === 'ps' && pod.planHash !== observed.planHash)
  if (old.length === 0) return observed.desired
  return { ...observed.desired, ps: Math.max(...old.map((pod) => pod.index)) + 1 }
}

export function allSlots(world: World): Slot[] {
  return ROLES.flatMap((role) => world.slots[role])
}

export const isRunning = (slot: Slot): boolean => slot.pod?.phase === 'Running' && !slot.pod.deleting

export const isFinished = (pod: PodFacts): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed'

export function runningIn(world: World, role: Role): number {
  return world.slots[role].filter(isRunning).length
}

/** @example shortName({ role: 'worker', index: 17 }) === 'worker-17' */
export function shortName(pod: { role: Role; index: number }): string {
  return `${pod.role}-${pod.index}`
}

/** @example listNames(['worker-1', 'worker-2', 'worker-3', 'worker-4']) === 'worker-1, worker-2, worker-3 and 1 more' */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

/**
 * What keeps pods from running, each cause with its pods: whoever mends one should know of the next.
 * @param textOf what is told, of the first pod of each cause. Default: the cause itself
 */
export function listCauses<Pod extends { role: Role; index: number }>(
  pods: readonly Pod[],
  causeOf: (pod: Pod) => string | undefined,
  textOf = causeOf,
): string {
  const byCause = [...Map.groupBy(pods, causeOf).values()]
  const sentences = byCause
    .slice(0, MAX_CAUSES)
    .map((alike) => `${listNames(alike.map(shortName))}: ${textOf(alike[0] as Pod)}`)
  const more = byCause.slice(MAX_CAUSES).flat().length
  return [...sentences, ...(more > 0 ? [`${more} more for other reasons`] : [])].join('; ')
}
