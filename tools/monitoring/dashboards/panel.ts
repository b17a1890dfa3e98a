/** What a dashboard shows in one panel, and its JSON. */
import { type Column, columnOverrides, tableTransformations } from './table.ts'

/** A query, and the name of its lines. `{{label}}` in the legend is a label of the series. */
export interface Query {
  readonly expr: string
  readonly legend: string
}

export interface Panel {
  readonly type: 'timeseries' | 'stat' | 'table'
  readonly title: string
  /** What the reader learns from it, and when to worry. */
  readonly description: string
  /** Of Grafana, or a word that follows the number. */
  readonly unit: string
  readonly queries: readonly Query[]
  /** Of 24 columns. */
  readonly width: number
  readonly height?: number
  /** Lines begin at 0 unless it is `auto`: otherwise small changes of a large number look like a catastrophe. */
  readonly min?: number | 'auto'
  readonly max?: number
  /** The scale reaches at least this far: Grafana gives a line of zeros a scale to 100. */
  readonly softMax?: number
  readonly decimals?: number
  /** From this value on the panel is red; lines get a dashed one there. */
  readonly redFrom?: number
  /** Below this value the panel is yellow. */
  readonly yellowBelow?: number
  /** A logarithmic scale. */
  readonly log?: boolean
  /** How many events there were: a block as long as a rate looks back. */
  readonly events?: boolean
  /** Of a stat: shows the legend instead of the value, with a colour for each. */
  readonly names?: Readonly<Record<string, string>>
  /** Has values in some intervals alone, which are joined by a line. */
  readonly sparse?: boolean
  /** Stacks the lines. */
  readonly stacked?: boolean
  /** Says why it may rightly be empty, and stands there then. */
  readonly noValue?: string
  /** Of a table: its columns in order, by label; `Value` is that of its query, `Value #B` that of the second. */
  readonly columns?: Readonly<Record<string, Column>>
  /** Of a table: title of the column by which it is sorted. */
  readonly sortBy?: string
}

export const SOURCE = { type: 'prometheus', uid: '$datasource' }
const LOG_BASE = 10
/** The lowest threshold of Grafana has no value. */
const LOWEST = null
/** Bars would show an event as often as rates look back on it, as if it were several. */
const BLOCKS = { lineInterpolation: 'stepAfter', fillOpacity: 60 }

export function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { type, title, description } = panel
  return {
    ...{ id, type, title, description, gridPos, datasource: SOURCE },
    targets: panel.queries.map((query, i) => targetJson(query, panel, String.fromCharCode('A'.charCodeAt(0) + i))),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: overridesOf(panel) },
    ...PRESENTATION[type](panel),
  }
}

/** A name and a table are of now. Other stats have the course of their value behind it, and keep the last one of an ended job. */
function targetJson({ expr, legend }: Query, { type, names }: Panel, refId: string): object {
  const isNow = type === 'table' || names !== undefined
  const time = isNow ? { instant: true, range: false } : { range: true }
  return {
    refId,
    datasource: SOURCE,
    expr,
    legendFormat: legend,
    ...time,
    ...(type === 'table' && { format: 'table' }),
  }
}

function fieldDefaults(panel: Panel): object {
  const { type, unit, max, decimals, noValue } = panel
  const min = panel.min ?? (type === 'timeseries' && !panel.log ? 0 : 'auto')
  return {
    ...{ unit, thresholds: { mode: 'absolute', steps: thresholdsOf(panel) } },
    ...{ min: min === 'auto' ? undefined : min, max, decimals, noValue },
    color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
    ...(type === 'timeseries' && { custom: lineOptions(panel) }),
  }
}

function thresholdsOf({ redFrom, yellowBelow }: Panel): object[] {
  const red = redFrom === undefined ? [] : [{ color: 'red', value: redFrom }]
  if (yellowBelow === undefined) return [{ color: 'green', value: LOWEST }, ...red]
  return [{ color: 'yellow', value: LOWEST }, { color: 'green', value: yellowBelow }, ...red]
}

function lineOptions({
  stacked = false,
  events = false,
  log = false,
  sparse = false,
  softMax,
  redFrom,
}: Panel): object {
  return {
    ...{ drawStyle: 'line', lineWidth: 1, fillOpacity: stacked ? 30 : 8, ...(events && BLOCKS) },
    ...{ showPoints: sparse ? 'auto' : 'never', pointSize: 4, spanNulls: sparse },
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
    ...(log && { scaleDistribution: { type: 'log', log: LOG_BASE } }),
    ...(softMax !== undefined && { axisSoftMax: softMax }),
    ...(redFrom !== undefined && { thresholdsStyle: { mode: 'dashed' } }),
  }
}

function overridesOf({ names = {}, columns = {} }: Panel): object[] {
  const colors = Object.entries(names).map(([name, color]) => ({
    matcher: { id: 'byName', options: name },
    properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }],
  }))
  return [...colors, ...columnOverrides(columns)]
}

const PRESENTATION: Readonly<Record<Panel['type'], (panel: Panel) => object>> = {
  timeseries: () => ({
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }),
  stat: ({ names }) => ({
    options: {
      ...{ graphMode: names ? 'none' : 'area', colorMode: 'value', justifyMode: 'auto' },
      ...{ orientation: 'auto', textMode: names ? 'name' : 'value' },
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  }),
  table: ({ columns = {}, sortBy }) => ({
    options: {
      ...{ showHeader: true, cellHeight: 'sm', footer: { show: false, reducer: ['sum'], countRows: false } },
      ...(sortBy !== undefined && { sortBy: [{ displayName: sortBy, desc: false }] }),
    },
    transformations: tableTransformations(columns),
  }),
}
