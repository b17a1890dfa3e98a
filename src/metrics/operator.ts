/** Metrics of the operator, with the names of controller-runtime. All label values are exported as zero from the start. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const CONTROLLER = 'job'
const RESULTS = ['success', 'error', 'requeue', 'requeue_after'] as const
const RECONCILE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const QUEUE_SECONDS = [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100]

export type ReconcileResult = (typeof RESULTS)[number]
export type JobTransition = 'created' | 'succeeded' | 'failed' | 'restarted' | 'deleted'
const TRANSITIONS: readonly JobTransition[] = ['created', 'succeeded', 'failed', 'restarted', 'deleted']

export interface JobLabels {
  namespace: string
  kind: string
  job_name: string
}

export interface OperatorMetricsOptions {
  version: string
  /** All phases of a job. */
  phases: readonly string[]
  /** Maximum number of concurrent reconciles. */
  concurrency: number
  /** Adds `process_*` and `nodejs_*`. */
  defaults?: boolean
}

export type OperatorMetrics = ReturnType<typeof createOperatorMetrics>

/** Creates a separate registry, so that several operators can run in one process. */
export function createOperatorMetrics(options: OperatorMetricsOptions) {
  const registry = new Registry()
  if (options.defaults) collectDefaultMetrics({ register: registry })
  new Gauge({ name: 'downpour_build_info', help: 'Always 1.', labelNames: ['version'], registers: [registry] }).set(
    { version: options.version },
    1,
  )
  return {
    registry,
    reconcile: reconcileMetrics(registry, options.concurrency),
    queue: queueMetrics(registry),
    jobs: jobMetrics(registry, options.phases),
    leader: leaderMetric(registry),
    watches: watchMetrics(registry),
  }
}

function reconcileMetrics(registry: Registry, concurrency: number) {
  const registers = [registry]
  const labelNames = ['controller'] as const
  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result.',
    labelNames: ['controller', 'result'],
    registers,
  })
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const errors = counter('controller_runtime_reconcile_errors_total', 'Reconciles that failed and are retried.')
  const terminal = counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Reconciles of jobs that are invalid and not retried.',
  )
  const seconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Duration of one reconcile.',
    labelNames,
    buckets: RECONCILE_SECONDS,
    registers,
  })
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers })
  const active = gauge('controller_runtime_active_workers', 'Running reconciles.')
  gauge('controller_runtime_max_concurrent_reconciles', 'Maximum number of concurrent reconciles.').set(
    { controller: CONTROLLER },
    concurrency,
  )
  const where = { controller: CONTROLLER }
  for (const result of RESULTS) total.inc({ ...where, result }, 0)
  for (const metric of [errors, terminal]) metric.inc(where, 0)
  active.set(where, 0)
  return {
    started: () => active.inc(where),
    ended(result: ReconcileResult, tookMs: number) {
      active.dec(where)
      total.inc({ ...where, result })
      if (result === 'error') errors.inc(where)
      seconds.observe(where, tookMs / 1000)
    },
    refused: () => terminal.inc(where),
  }
}

/** @returns an observer for WorkQueue, which reports durations in milliseconds */
function queueMetrics(registry: Registry) {
  const registers = [registry]
  const labelNames = ['name', 'controller'] as const
  const where = { name: CONTROLLER, controller: CONTROLLER }
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames, buckets: QUEUE_SECONDS, registers })
  const depth = new Gauge({ name: 'workqueue_depth', help: 'Keys that wait in the queue.', labelNames, registers })
  const adds = counter('workqueue_adds_total', 'Keys added.')
  const retries = counter('workqueue_retries_total', 'Keys added again after a failure.')
  const waited = histogram('workqueue_queue_duration_seconds', 'Time that a key waited in the queue.')
  const worked = histogram('workqueue_work_duration_seconds', 'Time to process a key.')
  const running = new Set<{ sinceMs: number }>()
  const ages = () => [...running].map(({ sinceMs }) => (performance.now() - sinceMs) / 1000)
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.set(where, value())
      },
    })
  gauge('workqueue_unfinished_work_seconds', 'Sum of the ages of all running work.', () =>
    ages().reduce((sum, age) => sum + age, 0),
  )
  gauge('workqueue_longest_running_processor_seconds', 'Age of the oldest running work.', () => Math.max(0, ...ages()))
  for (const metric of [adds, retries]) metric.inc(where, 0)
  depth.set(where, 0)
  return {
    depth: (keys: number) => depth.set(where, keys),
    added: () => adds.inc(where),
    started: (waitedMs: number) => waited.observe(where, waitedMs / 1000),
    finished: (_: 'success' | 'error', tookMs: number) => worked.observe(where, tookMs / 1000),
    retried: () => retries.inc(where),
    /** @returns a function to call when the work is done */
    working(): () => void {
      const one = { sinceMs: performance.now() }
      running.add(one)
      return () => void running.delete(one)
    },
  }
}

function jobMetrics(registry: Registry, phases: readonly string[]) {
  const registers = [registry]
  const counters = Object.fromEntries(
    TRANSITIONS.map((transition) => [
      transition,
      new Counter({
        name: `downpour_jobs_${transition}_total`,
        help:
          transition === 'restarted'
            ? 'Pods of jobs replaced by this process.'
            : `Jobs ${transition}, as seen by this process.`,
        labelNames: ['namespace', 'kind'],
        registers,
      }),
    ]),
  ) as Record<JobTransition, Counter<'namespace' | 'kind'>>
  const phase = new Gauge({
    name: 'downpour_job_phase',
    help: '1 for the phase that the job is in.',
    labelNames: ['namespace', 'kind', 'job_name', 'phase'],
    registers,
  })
  const step = new Gauge({
    name: 'downpour_job_step',
    help: 'Global step of the job.',
    labelNames: ['namespace', 'kind', 'job_name'],
    registers,
  })
  return {
    count({ namespace, kind }: Omit<JobLabels, 'job_name'>, transition: JobTransition, by = 1) {
      counters[transition].inc({ namespace, kind }, by)
    },
    /** Sets the gauges of a job, and exports the counters of its namespace as zero if they are new. */
    show(labels: JobLabels, current: string, currentStep: number | undefined) {
      const { namespace, kind } = labels
      for (const transition of TRANSITIONS) counters[transition].inc({ namespace, kind }, 0)
      for (const one of phases) phase.set({ ...labels, phase: one }, one === current ? 1 : 0)
      if (currentStep !== undefined) step.set({ ...labels }, currentStep)
    },
    forget(labels: JobLabels) {
      for (const one of phases) phase.remove({ ...labels, phase: one })
      step.remove({ ...labels })
    },
  }
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

export interface WatchFigures {
  relists: number
  reconnects: number
  expired: number
  errors: number
  tornLines: number
  lastSyncMs: number
  lastEventMs: number
}

/** Figures of the watches, read at each scrape. */
function watchMetrics(registry: Registry) {
  const read = new Map<string, () => WatchFigures>()
  const gauge = (name: string, help: string, pick: (figures: WatchFigures) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['resource'],
      registers: [registry],
      collect() {
        for (const [resource, figures] of read) this.set({ resource }, pick(figures()))
      },
    })
  gauge(
    'downpour_watch_last_contact_timestamp_seconds',
    'Time of the last list, event or bookmark.',
    (figures) => Math.max(figures.lastSyncMs, figures.lastEventMs) / 1000,
  )
  gauge('downpour_watch_relists', 'Full lists since the start of the process.', (figures) => figures.relists)
  gauge('downpour_watch_reconnects', 'Watches that ended and were started again.', (figures) => figures.reconnects)
  gauge(
    'downpour_watch_expired',
    'Watches whose resourceVersion had expired (410); each was followed by a full list.',
    (figures) => figures.expired,
  )
  gauge('downpour_watch_errors', 'Failed lists and watches since the start.', (figures) => figures.errors)
  gauge('downpour_watch_torn_lines', 'Lines of watches that were not valid JSON.', (figures) => figures.tornLines)
  return (resource: string, figures: () => WatchFigures) => void read.set(resource, figures)
}
