/** Metrics of a worker (names: downpour_worker_*). */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'

const STEP_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>

/** A registry of its own: several workers can live in one process. `tensors` is asked when somebody scrapes. */
export function createWorkerMetrics(options: { defaults?: boolean; tensors: () => number }) {
  const registry = new Registry()
  const registers = [registry]
  if (options.defaults) collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const metrics = {
    registry,
    steps: counter('downpour_worker_steps_total', 'Batches computed: forward and backward.'),
    samples: counter('downpour_worker_samples_total', 'Images in them.'),
    stepSeconds: new Histogram({
      name: 'downpour_worker_step_duration_seconds',
      help: 'Forward, backward and gradient read-out of one batch.',
      buckets: STEP_SECONDS,
      registers,
    }),
    dataWaitSeconds: counter('downpour_worker_data_wait_seconds_total', 'Time spent waiting for a batch.'),
    exchangeSeconds: counter('downpour_worker_exchange_seconds_total', 'Time spent in pulls and pushes.'),
    nonFinite: counter('downpour_worker_nonfinite_gradients_total', 'Gradients refused here for NaN or infinity.'),
    corruptRecords: gauge('downpour_worker_corrupt_records', 'Unreadable records and images skipped.'),
    loss: gauge('downpour_worker_loss', 'Loss of the last batch.'),
    pushes: new Counter({
      name: 'downpour_worker_pushes_total',
      help: 'Pushes by what parameter server 0 made of them.',
      labelNames: ['result'],
      registers,
    }),
  }
  new Gauge({
    name: 'downpour_worker_tensors',
    help: 'Tensors alive: flat between two steps, or there is a leak.',
    registers,
    collect() {
      this.set(options.tensors())
    },
  })
  for (const result of PUSH_RESULTS) metrics.pushes.inc({ result }, 0)
  return metrics
}
