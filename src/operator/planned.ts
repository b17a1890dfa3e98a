/** The plan of a job in the form that observe and apply need: lazily, for a job without its source cannot be planned. */
import { type Job, wantedSource } from '../api/job.ts'
import { propagatedOf } from '../api/propagate.ts'
import { type TransferPlan, transferPlans } from '../api/transfers.ts'
import { ANNOTATIONS, type Role } from '../contract/names.ts'
import type { KubeObject } from '../kube/objects.ts'
import { desiredOf, type JobPlan, ownerReference, type PlanOptions, planJob } from '../plan/job-plan.ts'
import type { PodOrder } from './actions.ts'

export interface PlannedTransfer {
  name: string
  /** Undefined: on success. */
  step: number | undefined
  object: KubeObject
}

export interface Planned {
  desired: Readonly<Record<Role, number>>
  /** Of everything that must be the same for all pods of a job; empty while the source is open. */
  readonly hash: string
  readonly service: KubeObject
  /** Of a gang. */
  readonly podGroup: KubeObject | undefined
  pod(order: PodOrder): KubeObject
  transfers: readonly PlannedTransfer[]
}

/** `service` and `pod` throw BUG_NO_SOURCE as long as a job that starts from a checkpoint has not pinned it; nothing asks for them then. */
export function planned(job: Job, options: PlanOptions): Planned {
  let made: JobPlan | undefined
  const plan = () => {
    made ??= planJob(job, options)
    return made
  }
  const desired = desiredOf(job)
  const isOpen = wantedSource(job) !== undefined && !job.status?.source
  // Variables are spread over the parameter servers: their number belongs to what must not change under way.
  const hash = () => (isOpen ? '' : `${plan().hash}-${desired.ps}`)
  return {
    desired,
    get hash() {
      return hash()
    },
    get service() {
      return plan().service
    },
    get podGroup() {
      return plan().podGroup
    },
    pod({ role, index, attempt, generation, failures }) {
      const annotations = { [ANNOTATIONS.planHash]: hash(), [ANNOTATIONS.failures]: String(failures) }
      return plan().pod(role, index, { attempt, generation, annotations })
    },
    transfers: job.kind === 'PretrainJob' ? transferPlans(job).map((transfer) => plannedTransfer(job, transfer)) : [],
  }
}

/** Owned by the job that makes it: deleting that one deletes it too. What is handed to pods, its pods get as well. */
function plannedTransfer(job: Job, { name, step, manifest }: TransferPlan): PlannedTransfer {
  const metadata = { ...manifest.metadata, ...propagatedOf(job), ownerReferences: [ownerReference(job)] }
  const { propagate } = job.spec
  const spec = { ...(propagate && { propagate }), ...manifest.spec }
  return { name, step, object: { ...manifest, metadata, spec } as KubeObject }
}
