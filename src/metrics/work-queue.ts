/** Metrics of the work queue, with the names of controller-runtime. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const NAME = 'job'
const SECONDS = [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100]

/** @returns an observer for WorkQueue, which reports durations in milliseconds */
export function queueMetrics(registry: Registry) {
  const registers = [registry]
  const labelNames = ['name', 'controller'] as const
  const where = { name: NAME, controller: NAME }
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers })
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
