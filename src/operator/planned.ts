/** The plan of a job in the form that observe and execute need. */
import type { Job } from '../api/job.ts'
import { propagatedOf } from '../api/propagate.ts'
import { type TransferPlan, transferPlans } from '../api/transfers.ts'
import { ANNOTATIONS, type Role } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'
import { ownerReference } from '../plan/identity.ts'
import { planJob } from '../plan/job-plan.ts'
import { desiredOf } from '../plan/replicas.ts'
import { isSourcePending } from '../plan/runtime-config.ts'
import type { PlanOptions } from '../plan/types.ts'
import { DownpourError } from '../support/errors.ts'
import type { PodOrder } from './actions.ts'

export interface PlannedTransfer {
  name: string
  /** Undefined: on success. */
  step: number | undefined
  object: KubeObject
}

interface Common {
  desired: Readonly<Record<Role, number>>
  transfers: readonly PlannedTransfer[]
}

/** A job that starts from a checkpoint which is not known yet: it can have no pods. */
export interface PendingPlan extends Common {
  state: 'sourcePending'
}

export interface CompletePlan extends Common {
  state: 'complete'
  /** Digest of everything that must be the same for all pods of a job. */
  hash: string
  service: KubeObject
  /** Undefined: the job is not a gang. */
  podGroup: KubeObject | undefined
  pod(order: PodOrder): KubeObject
}

export type Planned = PendingPlan | CompletePlan

export function planned(job: Job, options: PlanOptions): Planned {
  const desired = desiredOf(job)
  const transfers =
    job.kind === 'PretrainJob' ? transferPlans(job).map((transfer) => plannedTransfer(job, transfer)) : []
  if (isSourcePending(job)) return { state: 'sourcePending', desired, transfers }
  const plan = planJob(job, options)
  // The variables are divided among the parameter servers, so their number must not change while the job trains.
  const hash = `${plan.hash}-${desired.ps}`
  const pod = ({ role, index, attempt, generation, failures, avoid }: PodOrder) => {
    const annotations = { [ANNOTATIONS.planHash]: hash, [ANNOTATIONS.failures]: String(failures) }
    return plan.pod(role, index, { attempt, generation, annotations, ...(avoid && { avoid }) })
  }
  return { state: 'complete', desired, transfers, hash, service: plan.service, podGroup: plan.podGroup, pod }
}

/** For actions that create pods: `decide` asks for none before the source is known. @throws BUG_NO_SOURCE */
export function completePlan(planned: Planned): CompletePlan {
  if (planned.state === 'complete') return planned
  throw new DownpourError('BUG_NO_SOURCE', 'pods were requested before the source of the job was known')
}

/**
 * Owned by the PretrainJob, so that it is deleted with it. Propagated labels and annotations reach its pods as well.
 */
function plannedTransfer(job: Job, { name, step, manifest }: TransferPlan): PlannedTransfer {
  const metadata = { ...manifest.metadata, ...propagatedOf(job), ownerReferences: [ownerReference(job)] }
  const { propagate } = job.spec
  const spec = { ...(propagate && { propagate }), ...manifest.spec }
  return { name, step, object: { ...manifest, metadata, spec } as KubeObject }
}
