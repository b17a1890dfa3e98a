/** Finds panels that show nothing. */
import { type DashboardJson, type PanelJson, panelsOf, type Series } from './dashboard-json.ts'

export interface EmptyQuery {
  readonly title: string
  readonly expr: string
  /** Why this is right, from the panel's own text for "no data". */
  readonly reason: string | undefined
}

/** Not a number at every point is nothing, too: a quantile over no events. */
export function emptyQueries(
  dashboard: DashboardJson,
  series: Readonly<Record<number, readonly Series[]>>,
): EmptyQuery[] {
  return panelsOf(dashboard).flatMap((panel) => {
    const full = new Set((series[panel.id] ?? []).filter(hasValue).map(({ refId }) => refId))
    const empty = (panel.targets ?? []).filter(({ refId }) => !full.has(refId))
    return empty.map(({ expr }) => ({ title: panel.title, expr, reason: reasonToBeEmpty(panel) }))
  })
}

export function reasonToBeEmpty({ fieldConfig }: Pick<PanelJson, 'fieldConfig'>): string | undefined {
  return fieldConfig?.defaults.noValue
}

function hasValue({ samples }: Series): boolean {
  return samples.some(([, value]) => !Number.isNaN(value))
}
