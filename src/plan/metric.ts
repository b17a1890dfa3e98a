import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { metricOf } from '../tasks/declarations.ts'

/** The metric that compares the checkpoints of a job: the one that its evaluation names, or the first of its task. */
export function headlineMetric(job: Job): MetricSpec {
  return metricOf(job.spec.task.type, job.kind === 'PretrainJob' ? job.spec.evaluation?.metric : undefined)
}
