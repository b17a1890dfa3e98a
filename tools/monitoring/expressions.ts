/**
 * Parts of PromQL expressions. The chart replaces `$cluster` (the label that names a cluster), `$window` (of rates),
 * `$grace` (seconds after a start in which a job raises no alert) and `$threshold` by its values.
 */

/** Of an expression before the chart fills it in. */
export const PLACEHOLDERS = ['$cluster', '$window', '$grace', '$threshold'] as const

/** Labels of the scraped process, which Prometheus or its operator adds. */
const TARGET = 'instance, job, pod, container, endpoint, service, node'

/** Prefix of the names of rules whose series are one a job. */
export const JOB_LEVEL = 'cluster_namespace_kind_job_name'
/** Joins series of a job; `$cluster` is empty on both sides where there is only one cluster. */
export const ON_JOB = 'on ($cluster, namespace, kind, job_name)'

/** One series for each job, whatever process it comes from. @param more labels to drop besides those of the process */
export function perJob(operation: string, expression: string, more: readonly string[] = []): string {
  return `${operation} without (${[TARGET, ...more].join(', ')}) (${expression})`
}

/** Series of the pods of a job, which have role and index. */
export function sumOfPods(expression: string, more: readonly string[] = []): string {
  return perJob('sum', expression, ['role', 'index', ...more])
}

/** Holds while the job is in phase Running and its grace is over. */
export function whileRunning(expression: string): string {
  return `(${expression}) and ${ON_JOB} ${JOB_LEVEL}:downpour_job_phase:running`
}

export function rate(series: string): string {
  return `rate(${series}[$window])`
}
