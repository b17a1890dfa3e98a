/** What `decide` may know: plain data, gathered by `observe`. No clock, no network, no Kubernetes types beyond here. */

import type { JobStatus } from '../api/status.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import type { Role } from '../contract/names.ts'
import type { CoordinatorStatus, EvaluatorStatus } from '../contract/status.ts'

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'

/** One pod under a name that the job computes; perhaps not ours. */
export interface PodFacts {
  name: string
  uid: string
  /** uid of the controlling owner; undefined: nobody's. */
  ownerUid: string | undefined
  role: Role
  index: number
  attempt: number
  /** Failures of this role and index that counted against backoffLimit before this pod. */
  failures: number
  generation: number
  /** Digest of the plan it was made from. */
  planHash: string | undefined
  /** Of the container that is named for the role, whatever else was put into the pod. */
  phase: PodPhase
  ready: boolean
  /** That container has ended and the pod has not: its name stays taken. */
  outlived: boolean
  /** Others that were put beside it go on. The kubelet ends native sidecars by itself. */
  othersRun: boolean
  /** The kubelet was told by us to end what is left in the pod. */
  isEnding: boolean
  podIP: string | undefined
  deleting: boolean
  createdAtMs: number
  startedAtMs: number | undefined
  finishedAtMs: number | undefined
  exitCode: number | undefined
  /** The pod's own reason (`Evicted`), else its container's (`OOMKilled`), else of one that keeps it from starting. */
  reason: string | undefined
  message: string | undefined
  /** Termination message: the process's last words. */
  terminationMessage: string | undefined
  /** Of another container than ours, whose end was that of the pod: `init container "istio-init"`. */
  failedContainer: string | undefined
  /** Why it ended if that was not the program's doing: eviction, preemption, a lost node. */
  disruption: string | undefined
  /** What was said beside it. */
  disruptionMessage: string | undefined
  nodeName: string | undefined
  /** Being deleted: its node is to have ended it by then, grace period included. */
  endDueAtMs: number | undefined
  /** Since when its node has said nothing; undefined: it speaks, or nobody has missed it yet. */
  silentSinceMs: number | undefined
  /** It has a node. */
  isPlaced: boolean
  /** When it was given its node. */
  placedAtMs: number | undefined
  /** Behind a scheduling gate: no scheduler looks at it. */
  isGated: boolean
  finalizers: readonly string[]
  /** Kept by Kueue's finalizer. */
  isHeld: boolean
  /** Kueue was told that no replacement comes. */
  isLast: boolean
  /** The scheduler's text while it finds no node. */
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
  /** From ps-0, or its last words; undefined: not reached, which says nothing about its health. */
  coordinator: CoordinatorStatus | undefined
  evaluator: EvaluatorStatus | undefined
  /** The PretrainJob that `spec.from` names; undefined: there is none. */
  source: SourceFacts | undefined
  /** Steps of this job's checkpoints that other jobs which have not ended start from, ascending. */
  pins: readonly number[]
  transfers: readonly TransferFacts[]
  /** Transfers written down as made: one that a person deleted is not made again. */
  transfersMade: readonly string[]
}
