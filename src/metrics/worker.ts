/** Metrics of a worker (names: downpour_worker_*). */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { PUSH_RESULTS } from '../contract/exchange.ts'
import { createRegistry, type RegistryOptions } from './registry.ts'
import { WaitingTime } from './waiting-time.ts'

const STEP_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

const EXCHANGE_OPERATIONS = ['pull', 'push'] as const
/** What a worker waits for. */
export type Wait = 'data' | (typeof EXCHANGE_OPERATIONS)[number]

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>

/**
 * Creates a separate registry, so that several workers can run in one process.
 * @param options.tensors returns the number of tensors in memory; called at each scrape
 */
export function createWorkerMetrics(options: RegistryOptions & { tensors: () => number }) {
  const registry = createRegistry(options)
  const registers = [registry]
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
    nonFinite: counter(
      'downpour_worker_nonfinite_gradients_total',
      'Gradients that this worker did not push because of NaN or infinity.',
    ),
    corruptRecords: counter(
      'downpour_worker_corrupt_records_total',
      'Skipped records and images that cannot be read, each counted once.',
    ),
    loss: gauge('downpour_worker_loss', 'Loss of the last batch.'),
    pushes: new Counter({
      name: 'downpour_worker_pushes_total',
      help: 'Pushes by the reply of parameter server 0.',
      labelNames: ['result'],
      registers,
    }),
  }
  // Otherwise it is 0 before the first step, as if the model were perfect.
  metrics.loss.remove()
  new Gauge({
    name: 'downpour_worker_tensors',
    help: 'Tensors in memory; if the number grows from step to step, there is a leak.',
    registers,
    collect() {
      this.set(options.tensors())
    },
  })
  for (const result of PUSH_RESULTS) metrics.pushes.inc({ result }, 0)
  return { ...metrics, waits: waitMetrics(registry) }
}

function waitMetrics(registry: Registry): Readonly<Record<Wait, WaitingTime>> {
  const waits = { data: new WaitingTime(), pull: new WaitingTime(), push: new WaitingTime() }
  const registers = [registry]
  new Counter({
    ...{ name: 'downpour_worker_data_wait_seconds_total', help: 'Time spent waiting for a batch.', registers },
    collect() {
      this.reset()
      this.inc(waits.data.seconds())
    },
  })
  new Counter({
    name: 'downpour_worker_exchange_seconds_total',
    help: 'Time spent waiting for pulls and pushes. With async.prefetch both count as pull, and only what computing does not hide.',
    ...{ labelNames: ['operation'], registers },
    collect() {
      this.reset()
      for (const operation of EXCHANGE_OPERATIONS) this.inc({ operation }, waits[operation].seconds())
    },
  })
  return waits
}
