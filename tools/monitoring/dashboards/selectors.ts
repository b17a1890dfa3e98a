/** Selectors of the dashboards' queries. The chart replaces `__cluster__` by the label that names a cluster. */
import type { Variable } from './builder.ts'

export const CLUSTER = '__cluster__=~"$cluster"'
/** Series of one job. */
export const JOB = `${CLUSTER}, namespace=~"$namespace", kind=~"$kind", job_name=~"$job"`
/** Series of all jobs of the chosen namespaces. */
export const JOBS = `${CLUSTER}, namespace=~"$namespace", kind=~"$kind"`
/** Series of the operator itself. */
export const OPERATOR = CLUSTER

/** Labels that name a job. */
export const BY_JOB = 'namespace, kind, job_name'
/** The time range over which rates need at least two scrapes. */
export const RATE = '[$__rate_interval]'
/** Colours of phases, everywhere the same. */
export const PHASE_COLORS = {
  ...{ Running: 'green', Succeeded: 'green', Starting: 'blue', Waiting: 'blue', Pending: 'blue' },
  ...{ Suspended: 'yellow', Failed: 'red' },
} as const satisfies Readonly<Record<string, string>>

const labelValues = (series: string, label: string) => `label_values(${series}, ${label})`

export const CLUSTER_VARIABLE: Variable = {
  name: 'cluster',
  label: 'Cluster',
  query: labelValues('downpour_build_info', '__cluster__'),
  hidden: true,
}

export function jobVariables(choice: 'one' | 'many'): Variable[] {
  const multi = choice === 'many'
  const phase = (matchers: string) => `downpour_job_phase{${matchers}}`
  return [
    CLUSTER_VARIABLE,
    { name: 'namespace', label: 'Namespace', query: labelValues(phase(CLUSTER), 'namespace'), multi },
    { name: 'kind', label: 'Kind', query: labelValues(phase(`${CLUSTER}, namespace=~"$namespace"`), 'kind'), multi },
  ]
}

export const JOB_VARIABLE: Variable = {
  name: 'job',
  label: 'Job',
  query: labelValues(`downpour_job_phase{${JOBS}}`, 'job_name'),
}

export const WORKER_VARIABLE: Variable = {
  name: 'worker',
  label: 'Worker',
  query: labelValues(`downpour_ps_worker_pushes_applied_total{${JOB}}`, 'worker'),
  multi: true,
}
