/** Panels in the forms that all dashboards use. */
import type { Panel, Query } from './panel.ts'
import { RATE } from './selectors.ts'

/** Something that happens rarely: how often. */
export const EVENTS = { unit: 'none', events: true, softMax: 1, decimals: 0 } as const

export function one(expr: string, legend = ''): readonly Query[] {
  return [{ expr, legend }]
}

/** A third of the page wide, unless it says otherwise. */
export function lines(panel: Omit<Panel, 'type' | 'width'> & { width?: number }): Panel {
  return { type: 'timeseries', width: 8, ...panel }
}

/** Not lower: Grafana leaves out the course of a value below 100 pixels. */
export const STAT_HEIGHT = 5

export function stat(
  panel: Omit<Panel, 'type' | 'width' | 'queries'> & { width?: number; expr: string; legend?: string },
): Panel {
  const { expr, legend, ...rest } = panel
  return { type: 'stat', width: 4, height: STAT_HEIGHT, queries: one(expr, legend), ...rest }
}

/** @param selector the matchers of its series */
export function quantiles(histogram: string, selector: string): Query[] {
  const buckets = `sum by (le) (rate(${histogram}_bucket{${selector}}${RATE}))`
  return [
    { expr: `histogram_quantile(0.5, ${buckets})`, legend: 'median' },
    { expr: `histogram_quantile(0.99, ${buckets})`, legend: '99th percentile' },
  ]
}

/** Nothing where nothing was counted, instead of a division by 0. @param sum and `count` are counters */
export function mean(sum: string, count: string, selector: string): string {
  return `sum(rate(${sum}{${selector}}${RATE})) / (sum(rate(${count}{${selector}}${RATE})) > 0)`
}
