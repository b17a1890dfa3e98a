/** Metrics of a worker (names: downpour_worker_*). */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'

const STEP_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>

/**
 * Creates a separate registry, so that several workers can run in one process.
 * @param options.tensors returns the number of tensors in memory; called at each scrape
 */
export function createWorkerMetrics(options: { defaults?: boolean; tensors: () => number }) {
  const registry = new Registry()
  const registers = [registry]
  if (options.defaults) collectDefaultMetrics({ register: registry })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const metrics = {
    registry,
    steps: counter('downpour_worker_steps_total', 'Batches computed, forward and backward.'),
    samples: counter('downpour_worker_samples_total', 'Images in the computed batches.'),
    stepSeconds: new Histogram({
      name: 'downpour_worker_step_duration_seconds',
      help: 'Time for one batch: forward, backward, and reading the gradient.',
      buckets: STEP_SECONDS,
      registers,
    }),
    dataWaitSeconds: counter('downpour_worker_data_wait_seconds_total', 'Time spent waiting for a batch.'),
    exchangeSeconds: counter('downpour_worker_exchange_seconds_total', 'Time spent in pulls and pushes.'),
    nonFinite: counter(
      'downpour_worker_nonfinite_gradients_total',
      'Gradients that this worker did not push because of NaN or infinity.',
    ),
    corruptRecords: gauge('downpour_worker_corrupt_records', 'Skipped records and images that cannot be read.'),
    loss: gauge('downpour_worker_loss', 'Loss of the last batch.'),
    pushes: new Counter({
      name: 'downpour_worker_pushes_total',
      help: 'Pushes by the reply of parameter server 0.',
      labelNames: ['result'],
      registers,
    }),
  }
  new Gauge({
    name: 'downpour_worker_tensors',
    help: 'Tensors in memory; if the number grows from step to step, there is a leak.',
    registers,
    collect() {
      this.set(options.tensors())
    },
  })
  for (const result of PUSH_RESULTS) metrics.pushes.inc({ result }, 0)
  return metrics
}
