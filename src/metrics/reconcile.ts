/** Metrics of the reconciles, with the names of controller-runtime. All label values are exported as zero from the start. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const CONTROLLER = 'job'
const RESULTS = ['success', 'error', 'requeue', 'requeue_after'] as const
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export type ReconcileResult = (typeof RESULTS)[number]

/** @param concurrency maximum number of concurrent reconciles */
export function reconcileMetrics(registry: Registry, concurrency: number) {
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
  const panics = counter(
    'controller_runtime_reconcile_panics_total',
    'Reconciles that failed with an unexpected error, which is a bug of the operator.',
  )
  const seconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Duration of one reconcile.',
    labelNames,
    buckets: SECONDS,
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
  for (const metric of [errors, terminal, panics]) metric.inc(where, 0)
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
    panicked: () => panics.inc(where),
  }
}
