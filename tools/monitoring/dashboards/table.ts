/** Columns of a table: which labels it shows, in which order, and how. */

export interface Column {
  readonly title: string
  readonly unit?: string
  readonly decimals?: number
  /** In pixels. */
  readonly width?: number
  /** Draws a share as a bar. */
  readonly isBar?: boolean
  /** Colours by value. */
  readonly colors?: Readonly<Record<string, string>>
  readonly link?: { readonly title: string; readonly url: string }
}

/** Joins the answers of all queries by the labels that they share, and keeps the columns. */
export function tableTransformations(columns: Readonly<Record<string, Column>>): object[] {
  const names = Object.keys(columns)
  const indexByName = Object.fromEntries(names.map((name, i) => [name, i]))
  const renameByName = Object.fromEntries(Object.entries(columns).map(([name, { title }]) => [name, title]))
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names } } },
    { id: 'organize', options: { indexByName, renameByName } },
  ]
}

export function columnOverrides(columns: Readonly<Record<string, Column>>): object[] {
  return Object.values(columns).map((column) => ({
    matcher: { id: 'byName', options: column.title },
    properties: [EMPTY_CELL, ...propertiesOf(column)],
  }))
}

function propertiesOf({ unit, decimals, width, isBar, colors, link }: Column): object[] {
  const property = (id: string, value: unknown) => (value === undefined ? [] : [{ id, value }])
  return [
    ...property('unit', unit),
    ...property('decimals', decimals),
    ...property('custom.width', width),
    ...property('links', link && [{ ...link, targetBlank: false }]),
    ...(isBar ? BAR : []),
    ...(colors ? [...property('mappings', [mappingOf(colors)]), COLORED_TEXT] : []),
  ]
}

/** Otherwise the panel's own text would stand in each cell without a value. */
const EMPTY_CELL = { id: 'noValue', value: '–' }
const BAR = [
  { id: 'min', value: 0 },
  { id: 'max', value: 1 },
  { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },
]
const COLORED_TEXT = { id: 'custom.cellOptions', value: { type: 'color-text' } }

function mappingOf(colors: Readonly<Record<string, string>>): object {
  const entries = Object.entries(colors).map(([value, color], index) => [value, { color, index }])
  return { type: 'value', options: Object.fromEntries(entries) }
}
