/** Builds parsed jobs for the tests of the plan. */
import type { Job } from '../../../src/api/job.ts'
import { parseJob } from '../../../src/api/parse.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import { type JobPlan, planJob } from '../../../src/plan/job-plan.ts'
import type { PlannedPod } from '../../../src/plan/types.ts'
import { finetune, pretrain, type RawJob } from '../../support/job-cases.ts'

const UID = '7c0b6f5e-0000-4000-8000-000000000001'
export const OPTIONS = { defaultImage: 'downpour/runtime:test' }
export const DATA = { source: { claimName: 'val', path: 'v' }, format: 'tfrecord', labels: 'labels.json' }
export const SOURCE = {
  pretrainJob: 'jft',
  uid: UID,
  step: 5,
  digest: 'a'.repeat(64),
  path: 'team/jft/step-5',
  claimName: 'checkpoints',
}

export function jobOf(raw: RawJob, status?: Partial<JobStatus>): Job {
  const job = parseJob({ ...raw, metadata: { ...raw.metadata, uid: UID } })
  return { ...job, ...(status ? { status: status as JobStatus } : {}) } as Job
}

export const pretrainJob = (over: Record<string, unknown> = {}, name?: string) =>
  jobOf(pretrain({ evaluation: { data: DATA, metric: 'mAP@100' }, ...over }, name))
export const finetuneJob = (over: Record<string, unknown> = {}, name?: string) =>
  jobOf(finetune(over, name), { source: SOURCE })

export function podsOf(job: Job, plan: JobPlan = planJob(job, OPTIONS)): PlannedPod[] {
  return (['ps', 'worker', 'evaluator'] as const).flatMap((role) =>
    Array.from({ length: plan.desired[role] }, (_, index) => plan.pod(role, index, { attempt: 0, generation: 0 })),
  )
}
