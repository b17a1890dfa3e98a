import type { Job } from '../api/job.ts'
import type { MetricSpec } from '../contract/metrics.ts'
import { metricOf } from '../tasks/declarations.ts'

/** What the job's checkpoints are compared by: what its evaluation names, or the first metric of its task. */
export function headlineMetric(job: Job): MetricSpec {
  return metricOf(job.spec.task.type, job.kind === 'PretrainJob' ? job.spec.evaluation?.metric : undefined)
}
