/** How far apart the points of a query are, and Grafana's variables that depend on it. */
import type { TimeRangeSeconds } from './dashboard-json.ts'
import type { Choices } from './variables.ts'

/** Grafana rounds intervals to these, so that reloading a dashboard asks for the same points again. */
const NICE_SECONDS = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
]
/** A rate needs two scrapes in its window; four of them survive a late or failed one. */
const SCRAPES_OF_A_RATE = 4
const MILLISECONDS = 1000
const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }

/** @param points at most, which is the width of the panel in pixels */
export function stepSeconds({ from, to }: TimeRangeSeconds, points: number, scrapeSeconds: number): number {
  const wanted = (to - from) / points
  const nice = NICE_SECONDS.find((seconds) => seconds >= wanted) ?? wanted
  return Math.max(nice, scrapeSeconds)
}

/** `$__rate_interval`, `$__interval` and `$__range`. */
export function intervalChoices(range: TimeRangeSeconds, step: number, scrapeSeconds: number): Choices {
  const rate = Math.max(step + scrapeSeconds, SCRAPES_OF_A_RATE * scrapeSeconds)
  const whole = Math.round(range.to - range.from)
  const texts = {
    ...{ __rate_interval: `${rate}s`, __interval: `${step}s`, __range: `${whole}s` },
    ...{ __interval_ms: String(step * MILLISECONDS), __range_s: String(whole) },
  }
  return new Map(Object.entries(texts).map(([name, text]) => [name, { text, promql: text }]))
}

/** Grafana starts ranges at a multiple of the step, otherwise lines would move with each reload. */
export function alignRange({ from, to }: TimeRangeSeconds, step: number): TimeRangeSeconds {
  return { from: Math.floor(from / step) * step, to: Math.floor(to / step) * step }
}

/** Reads a duration of Prometheus, such as `1m` or `1m30s`. */
export function durationSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smhd])/g)]
  return parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (UNITS[unit] ?? 1), 0)
}
