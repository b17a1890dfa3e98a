/** The input of `decide`: plain data that `observe` collects, without Kubernetes types. */

import type { JobStatus } from '../api/status.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import type { Role } from '../contract/names.ts'
import type { CoordinatorStatus, EvaluatorStatus } from '../contract/status.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'

/** One pod under a name that the job computes; it may belong to another owner. */
export interface PodFacts {
  name: string
  uid: string
  /** uid of the controlling owner; undefined: the pod has none. */
  ownerUid: string | undefined
  role: Role
  index: number
  attempt: number
  /** Failures of this role and index that counted against backoffLimit before this pod. */
  failures: number
  generation: number
  /** Hash of the plan from which it was created. */
  planHash: string | undefined
  /** Of the main container, the one that is named for the role; webhooks may add others. */
  phase: PodPhase
  ready: boolean
  /** The main container has ended but the pod has not, so its name stays taken. */
  outlived: boolean
  /** Other containers still run. The kubelet ends native sidecars by itself. */
  othersRun: boolean
  /** The operator has set a deadline, so the kubelet ends the remaining containers. */
  isEnding: boolean
  podIP: string | undefined
  deleting: boolean
  createdAtMs: number
  startedAtMs: number | undefined
  finishedAtMs: number | undefined
  exitCode: number | undefined
  /**
   * The pod's reason (`Evicted`), else its main container's (`OOMKilled`), else that of a container that blocks its
   * start.
   */
  reason: string | undefined
  message: string | undefined
  /** Termination message of the process. */
  terminationMessage: string | undefined
  /** Another container that failed and ended the pod: `init container "istio-init"`. */
  failedContainer: string | undefined
  /** Why the cluster ended it: eviction, preemption, a lost node. Undefined: the program ended by itself. */
  disruption: string | undefined
  /** Message of that disruption. */
  disruptionMessage: string | undefined
  nodeName: string | undefined
  /** For a pod that is being deleted: when its node must have ended it, grace period included. */
  endDueAtMs: number | undefined
  /** Since when its node has not reported; undefined: it reports, or the control plane has noticed nothing yet. */
  silentSinceMs: number | undefined
  /** The scheduler has assigned a node. */
  isPlaced: boolean
  /** When the scheduler assigned its node. */
  placedAtMs: number | undefined
  /** Has a scheduling gate, so schedulers ignore it. */
  isGated: boolean
  finalizers: readonly string[]
  /** Has Kueue's finalizer. */
  isHeld: boolean
  /** Marked so that Kueue expects no replacement. */
  isLast: boolean
  /** The scheduler's message while it finds no node. */
  unschedulable: string | undefined
}

export interface ServiceFacts {
  ownerUid: string | undefined
  deleting: boolean
}

/** A FinetuneJob that `spec.transfers` asks for, and whether one of its name exists. */
export interface TransferFacts {
  name: string
  /** Global step at which it is due; undefined: on success. */
  step: number | undefined
  exists: boolean
  ended: boolean
}

/** The PretrainJob that a FinetuneJob starts from. */
export interface SourceFacts {
  uid: string
  deleting: boolean
  status: JobStatus | undefined
  /** The volume of its checkpoints; undefined: its spec is invalid. */
  claimName: string | undefined
  /** What its checkpoints are scored by; undefined: nothing scores them. */
  metric: MetricSpec | undefined
}

export interface Observed {
  desired: Readonly<Record<Role, number>>
  /** Digest of what would be created now; compared with `PodFacts.planHash`. */
  planHash: string
  pods: readonly PodFacts[]
  service: ServiceFacts | undefined
  /** From ps-0, or from its termination message; undefined: not reached, which says nothing about its health. */
  coordinator: CoordinatorStatus | undefined
  evaluator: EvaluatorStatus | undefined
  /** The PretrainJob that `spec.from` names; undefined: there is none. */
  source: SourceFacts | undefined
  /** Steps of this job's checkpoints that other jobs which have not ended start from, ascending. */
  pins: readonly number[]
  transfers: readonly TransferFacts[]
  /** Transfers recorded as created: one that a user deleted is not created again. */
  transfersMade: readonly string[]
}
