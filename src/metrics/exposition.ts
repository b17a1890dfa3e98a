/** The text of /metrics. Many clients cost a process no more than one: they share a text that is at most a second old. */
import { setImmediate as otherWork } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { type Clock, systemClock } from '../support/clock.ts'

const FRESH_MS = 1000

/** What a process server serves. */
export interface Exposition {
  readonly contentType: string
  metrics(): Promise<string>
}

export function exposition(registry: Registry, clock: Pick<Clock, 'monotonicMs'> = systemClock): Exposition {
  let shared: Promise<string> | undefined
  let running = false
  let startedMs = 0
  const start = () => {
    running = true
    startedMs = clock.monotonicMs()
    return render(registry).finally(() => {
      running = false
    })
  }
  return {
    contentType: registry.contentType,
    metrics() {
      const isFresh = running || clock.monotonicMs() - startedMs < FRESH_MS
      if (!shared || !isFresh) {
        shared = start()
        // The next one who asks tries again.
        shared.catch(() => {
          shared = undefined
        })
      }
      return shared
    },
  }
}

/** Lets other work run after each metric: the text of an operator with hundreds of jobs takes a hundred milliseconds. */
async function render(registry: Registry): Promise<string> {
  const texts: string[] = []
  for (const { name } of registry.getMetricsAsArray()) {
    texts.push(await registry.getSingleMetricAsString(name))
    await otherWork()
  }
  return `${texts.join('\n\n')}\n`
}
