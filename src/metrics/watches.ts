/** Figures of the watches, read at each scrape. */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface WatchFigures {
  relists: number
  reconnects: number
  expired: number
  errors: number
  tornLines: number
  lastSyncMs: number
  lastEventMs: number
}

const COUNTERS: readonly [name: string, help: string, pick: (figures: WatchFigures) => number][] = [
  ['relists', 'Full lists.', ({ relists }) => relists],
  ['reconnects', 'Watches that ended and were started again.', ({ reconnects }) => reconnects],
  [
    'expired',
    'Watches whose resourceVersion had expired (410); each was followed by a full list.',
    ({ expired }) => expired,
  ],
  ['errors', 'Failed lists and watches.', ({ errors }) => errors],
  ['torn_lines', 'Lines of watches that were not valid JSON.', ({ tornLines }) => tornLines],
]

/** @returns adds a watch, whose figures only rise */
export function watchMetrics(registry: Registry) {
  const read = new Map<string, () => WatchFigures>()
  const labels = { labelNames: ['resource'], registers: [registry] }
  for (const [name, help, pick] of COUNTERS) {
    new Counter({
      ...{ name: `downpour_watch_${name}_total`, help, ...labels },
      collect() {
        this.reset()
        for (const [resource, figures] of read) this.inc({ resource }, pick(figures()))
      },
    })
  }
  new Gauge({
    name: 'downpour_watch_last_contact_timestamp_seconds',
    help: 'Time of the last list, event or bookmark.',
    ...labels,
    collect() {
      for (const [resource, figures] of read) this.set({ resource }, lastContactSeconds(figures()))
    },
  })
  return (resource: string, figures: () => WatchFigures) => void read.set(resource, figures)
}

function lastContactSeconds({ lastSyncMs, lastEventMs }: WatchFigures): number {
  return Math.max(lastSyncMs, lastEventMs) / 1000
}
