/** Counters of what happened to jobs, by namespace and kind, as seen by this process. */
import { Counter, type Registry } from 'prom-client'

const TRANSITIONS = ['created', 'succeeded', 'failed', 'deleted'] as const
export type JobTransition = (typeof TRANSITIONS)[number]

/** Long enough for every scraper to have seen the last change. */
const KEPT_WITHOUT_JOBS_MS = 3_600_000

export interface CounterLabels {
  readonly namespace: string
  readonly kind: string
}

export interface JobCountersOptions {
  /** Called at each scrape: the namespaces and kinds that have jobs now. */
  readonly present: () => Iterable<CounterLabels>
  readonly nowMs: () => number
}

/** Removes the counters of a namespace one hour after its last job, or an operator would export them for ever. */
export function jobCounters(registry: Registry, { present, nowMs }: JobCountersOptions) {
  const lastSeenMs = new Map<string, { labels: CounterLabels; atMs: number }>()
  const counters = new Map<JobTransition, Counter>()
  const seen = ({ namespace, kind }: CounterLabels) => {
    const labels = { namespace, kind }
    const key = `${namespace}/${kind}`
    if (!lastSeenMs.has(key)) for (const counter of counters.values()) counter.inc({ ...labels }, 0)
    lastSeenMs.set(key, { labels, atMs: nowMs() })
    return labels
  }
  const update = () => {
    for (const labels of present()) seen(labels)
    for (const [key, { labels, atMs }] of lastSeenMs) {
      if (nowMs() - atMs < KEPT_WITHOUT_JOBS_MS) continue
      lastSeenMs.delete(key)
      for (const counter of counters.values()) counter.remove({ ...labels })
    }
  }
  for (const transition of TRANSITIONS) {
    const counter = new Counter({
      name: `downpour_jobs_${transition}_total`,
      help: `Jobs ${transition}, as seen by this process.`,
      labelNames: ['namespace', 'kind'],
      registers: [registry],
      // The registry collects in the order of registration: the first counter updates all of them.
      ...(counters.size === 0 && { collect: update }),
    })
    counters.set(transition, counter)
  }
  return {
    count(labels: CounterLabels, transition: JobTransition): void {
      counters.get(transition)?.inc({ ...seen(labels) })
    },
  }
}
