/** Assigns the observed pods to the places that the job has: the policies read slots instead of searching lists. */
import type { Job } from '../api/job.ts'
import { podName, type Role } from '../contract/names.ts'
import type { Observed, PodFacts } from './observed.ts'
import type { PlacedPods, Slot } from './world.ts'

export function placePods(job: Job, observed: Observed): PlacedPods {
  const pods = observed.pods.filter((pod) => pod.ownerUid === job.metadata.uid)
  const foreignPods = observed.pods.filter((pod) => pod.ownerUid !== job.metadata.uid)
  const psGeneration = generationOf(job, pods)
  const isOfGeneration = (pod: PodFacts) => pod.role !== 'ps' || pod.generation === psGeneration
  const desired = keepTopology(observed, pods.filter(isOfGeneration))
  const isCurrent = (pod: PodFacts) => pod.index < desired[pod.role] && isOfGeneration(pod)
  const byName = new Map(pods.filter(isCurrent).map((pod) => [pod.name, pod]))
  const leftovers = pods.filter((pod) => !isCurrent(pod))
  const takenBy = new Map([...foreignPods, ...leftovers].map((pod) => [pod.name, pod]))
  const slotOf = (role: Role, index: number): Slot => {
    const name = podName(job.kind, job.metadata.name, role, index)
    return { role, index, name, pod: byName.get(name), occupant: takenBy.get(name) }
  }
  const slots = slotsOf(desired, slotOf)
  return { desired, slots, pods, leftovers, foreignPods, psGeneration }
}

function slotsOf(desired: Record<Role, number>, slotOf: (role: Role, index: number) => Slot): PlacedPods['slots'] {
  const ofRole = (role: Role) => Array.from({ length: desired[role] }, (_, index) => slotOf(role, index))
  return { ps: ofRole('ps'), worker: ofRole('worker'), evaluator: ofRole('evaluator') }
}

/** The pods of this job, without parameter servers of an older generation. */
export function currentPods(job: Job, pods: readonly PodFacts[]): PodFacts[] {
  const ours = pods.filter((pod) => pod.ownerUid === job.metadata.uid)
  const generation = generationOf(job, ours)
  return ours.filter((pod) => pod.role !== 'ps' || pod.generation === generation)
}

/** The newer of the status and the pods: after a crash between their two writes, the generation must not fall. */
function generationOf(job: Job, pods: readonly PodFacts[]): number {
  const seen = pods.filter((pod) => pod.role === 'ps').map((pod) => pod.generation)
  return Math.max(job.status?.psGeneration ?? 0, ...seen)
}

/**
 * The variables are divided among the parameter servers that run, so their number stays the same until the job is
 * suspended, even if the spec changes.
 */
function keepTopology(observed: Observed, pods: readonly PodFacts[]): Record<Role, number> {
  const old = pods.filter((pod) => pod.role === 'ps' && pod.planHash !== observed.planHash)
  if (old.length === 0) return observed.desired
  return { ...observed.desired, ps: Math.max(...old.map((pod) => pod.index)) + 1 }
}
