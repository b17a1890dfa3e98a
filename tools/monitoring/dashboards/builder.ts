/** Builds the JSON of Grafana's classic dashboards, schema version 39: what Grafana 10 and later import. */
import { type Panel, panelJson, SOURCE } from './panel.ts'

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Variable {
  readonly name: string
  readonly label: string
  /** Values of a label: `label_values(series, label)`. */
  readonly query: string
  readonly multi?: boolean
  /** Nobody chooses it where there is only one value. */
  readonly hidden?: boolean
}

export interface Annotation {
  readonly name: string
  readonly color: string
  readonly expr: string
  readonly title: string
  /** The value is the time of the event in milliseconds; otherwise the event lasts while there is a value above 0. */
  readonly valueIsTime?: boolean
}

export interface Dashboard {
  /** Part of its address; never changes. */
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly variables: readonly Variable[]
  readonly annotations: readonly Annotation[]
  readonly rows: readonly Row[]
}

const COLUMNS = 24
const HEIGHT = 8
const SCHEMA_VERSION = 39
const TAG = 'downpour'
/** Of Grafana: reload when the time range changes. */
const ON_TIME_RANGE = 2
const HIDE_VARIABLE = 2
const ANY = '.*'

export function dashboardJson({ uid, title, description, variables, annotations, rows }: Dashboard): object {
  return {
    ...{ uid, title, description, tags: [TAG], schemaVersion: SCHEMA_VERSION, version: 1, id: null },
    ...{ editable: false, graphTooltip: 1, timezone: 'browser', refresh: '30s', fiscalYearStartMonth: 0 },
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [dataSourceVariable(), ...variables.map(queryVariable)] },
    annotations: { list: annotations.map(annotationJson) },
    links: [dashboardLinks()],
    panels: layOut(rows),
  }
}

function dataSourceVariable(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 }
}

function queryVariable({ name, label, query, multi = false, hidden = false }: Variable): object {
  return {
    ...{ name, label, type: 'query', datasource: SOURCE, query: { query, refId: name }, definition: query },
    ...{ refresh: ON_TIME_RANGE, sort: 1, hide: hidden ? HIDE_VARIABLE : 0, multi },
    ...((multi || hidden) && { includeAll: true, allValue: ANY, current: { text: 'All', value: '$__all' } }),
  }
}

function annotationJson({ name, color, expr, title, valueIsTime = false }: Annotation): object {
  return {
    ...{ name, datasource: SOURCE, enable: true, hide: false, iconColor: color, titleFormat: title, expr },
    ...{ step: '15s', useValueForTime: valueIsTime },
  }
}

/** To the other dashboards, for the same job and time. */
function dashboardLinks(): object {
  return {
    ...{ type: 'dashboards', title: 'Downpour', tags: [TAG], icon: 'external link', tooltip: '', url: '' },
    ...{ asDropdown: true, includeVars: true, keepTime: true, targetBlank: false },
  }
}

function layOut(rows: readonly Row[]): object[] {
  const panels: object[] = []
  let y = 0
  let id = 1
  for (const row of rows) {
    const gridPos = { h: 1, w: COLUMNS, x: 0, y }
    panels.push({ id: id++, type: 'row', title: row.title, collapsed: false, gridPos, panels: [] })
    y += 1
    let [x, rowHeight] = [0, 0]
    for (const panel of row.panels) {
      const h = panel.height ?? HEIGHT
      if (x + panel.width > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0]
      panels.push(panelJson(panel, id++, { h, w: panel.width, x, y }))
      x += panel.width
      rowHeight = Math.max(rowHeight, h)
    }
    y += rowHeight
  }
  return panels
}
