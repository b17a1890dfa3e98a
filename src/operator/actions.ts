/** What `decide` asks for. Every action can be repeated: names are computed, deletions name the uid that was seen. */
import type { JobStatus } from '../api/status.ts'
import type { Role } from '../contract/names.ts'

export interface PodOrder {
  role: Role
  index: number
  attempt: number
  generation: number
  failures: number
  /** Name of a pod of the same role to copy the spec of, instead of planning it anew. */
  like?: string
}

export type Action =
  | { type: 'createService' }
  /** Make it, or bring it up to date. */
  | { type: 'createPodGroup' }
  | ({ type: 'createPod' } & PodOrder)
  /** Delete the ended pod with this uid, then create its successor under the same name. */
  | ({ type: 'replacePod'; name: string; uid: string } & PodOrder)
  /** With `force` also while its node does not confirm that it has ended. */
  | { type: 'deletePod'; name: string; uid: string; force?: true }
  /** End the containers that are left in a pod, and keep the pod. */
  | { type: 'endPod'; name: string; uid: string }
  /** Take Kueue's finalizer off a pod that is being deleted. */
  | { type: 'releasePod'; name: string; uid: string; finalizers: readonly string[] }
  | { type: 'annotatePod'; name: string; uid: string; annotations: Record<string, string> }
  /** Tell the coordinator which checkpoints to keep. */
  | { type: 'pinCheckpoints'; podIP: string; steps: readonly number[] }
  | { type: 'createTransfer'; name: string }
  /** Write down, on the job, which transfers were made. */
  | { type: 'noteTransfers'; names: string[] }
  | { type: 'deleteJob'; uid: string }

export interface JobEvent {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

export interface Decision {
  /** In the order in which to begin them. */
  actions: Action[]
  status: JobStatus
  /** To be told once the status is written. */
  events: JobEvent[]
  /** For what no watch event will announce: back-off, deadlines, TTL. 0: at once. */
  requeueAfterSeconds?: number
}
