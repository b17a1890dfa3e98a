/** All metrics of the operator; those of controller-runtime have its names. */
import { Gauge, type Registry } from 'prom-client'
import { type CounterLabels, jobCounters } from './job-counters.ts'
import { type JobFigures, jobSeries } from './jobs.ts'
import { reconcileMetrics } from './reconcile.ts'
import { createRegistry, type RegistryOptions } from './registry.ts'
import { restClientMetrics } from './rest-client.ts'
import { watchMetrics } from './watches.ts'
import { queueMetrics } from './work-queue.ts'

export interface OperatorMetricsOptions extends RegistryOptions {
  version: string
  /** All phases of a job. */
  phases: readonly string[]
  /** Maximum number of concurrent reconciles. */
  concurrency: number
  /** Called at each scrape; none in a process that does not lead, because the leader exports them. */
  jobs: () => Iterable<JobFigures>
  nowMs: () => number
}

export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>

export function createOperatorMetrics({
  version,
  phases,
  concurrency,
  jobs,
  nowMs,
  ...options
}: OperatorMetricsOptions) {
  const registry = createRegistry(options)
  new Gauge({ name: 'downpour_build_info', help: 'Always 1.', labelNames: ['version'], registers: [registry] }).set(
    { version },
    1,
  )
  jobSeries(registry, { jobs, phases })
  return {
    registry,
    reconcile: reconcileMetrics(registry, concurrency),
    queue: queueMetrics(registry),
    jobs: jobCounters(registry, { present: () => labelsOf(jobs()), nowMs }),
    leader: leaderMetric(registry),
    requests: restClientMetrics(registry),
    watches: watchMetrics(registry),
  }
}

function* labelsOf(jobs: Iterable<JobFigures>): Iterable<CounterLabels> {
  for (const { labels } of jobs) yield labels
}

function leaderMetric(registry: Registry) {
  const gauge = new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process is the leader.',
    labelNames: ['name'],
    registers: [registry],
  })
  return (name: string, isLeading: () => boolean) => {
    gauge.set({ name }, 0)
    Object.assign(gauge, { collect: () => gauge.set({ name }, isLeading() ? 1 : 0) })
  }
}
