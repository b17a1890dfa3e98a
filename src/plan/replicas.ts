import type { Job } from '../api/job.ts'
import type { Role } from '../contract/names.ts'

/** How many pods of each role the spec asks for. */
export function desiredOf(job: Job): Readonly<Record<Role, number>> {
  return {
    ps: job.spec.parameterServer.replicas,
    worker: job.spec.workers.replicas,
    evaluator: job.spec.evaluation ? 1 : 0,
  }
}

/** How many processes compute in the pod of a worker. */
export function perPodOf({ spec }: Pick<Job, 'spec'>): number {
  return spec.workers.perPod ?? 1
}
