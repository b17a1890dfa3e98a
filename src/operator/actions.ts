/**
 * The actions that `decide` returns. Each can be repeated: names are computed, and deletions carry the observed uid.
 */
import type { JobStatus } from '../api/status.ts'
import type { Role } from '../contract/names.ts'

export interface PodOrder {
  role: Role
  index: number
  attempt: number
  generation: number
  failures: number
  /** Nodes on which pods of this place were slow. */
  avoid?: readonly string[]
  /** Name of a pod of the same role whose spec is copied; absent: the spec is planned from the job. */
  like?: string
}

export type Action =
  | { type: 'createService' }
  /** Creates the PodGroup or updates its spec. */
  | { type: 'createPodGroup' }
  | ({ type: 'createPod' } & PodOrder)
  /** Deletes the finished pod with this uid, then creates its successor under the same name. */
  | ({ type: 'replacePod'; name: string; uid: string } & PodOrder)
  /** With `force`, the API server does not wait until the node confirms that the pod has ended. */
  | { type: 'deletePod'; name: string; uid: string; force?: true }
  /** Ends the remaining containers of a pod and keeps the pod. */
  | { type: 'endPod'; name: string; uid: string }
  /** Removes Kueue's finalizer from a pod that is being deleted. */
  | { type: 'releasePod'; name: string; uid: string; finalizers: readonly string[] }
  | { type: 'annotatePod'; name: string; uid: string; annotations: Record<string, string> }
  /** Sends the coordinator the steps whose checkpoints it must keep. */
  | { type: 'pinCheckpoints'; podIP: string; steps: readonly number[] }
  | { type: 'createTransfer'; name: string }
  /** Records in an annotation of the job which transfers were created. */
  | { type: 'noteTransfers'; names: string[] }
  | { type: 'deleteJob'; uid: string }

export interface JobEvent {
  type: 'Normal' | 'Warning'
  reason: string
  message: string
}

export interface Decision {
  /** In the order in which they are started. */
  actions: Action[]
  status: JobStatus
  /** Published after the status is written. */
  events: JobEvent[]
  /** For times that no watch event announces: back-off, deadlines, TTL. 0: at once. */
  requeueAfterSeconds?: number
}
