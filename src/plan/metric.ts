import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { metricOf, type TaskType } from '../tasks/declarations.ts'

export function taskTypeOf(job: Job): TaskType {
  return job.kind === 'PretrainJob' ? 'multi-label' : job.spec.task
}

/** What the job's checkpoints are compared by: what its evaluation names, or the first metric of its task. */
export function headlineMetric(job: Job): MetricSpec {
  return metricOf(taskTypeOf(job), job.kind === 'PretrainJob' ? job.spec.evaluation?.metric : undefined)
}
