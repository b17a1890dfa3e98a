/** Names of lines, as Grafana's data source for Prometheus makes them. */

type Labels = Readonly<Record<string, string>>

const PLACEHOLDER = /\{\{\s*(.+?)\s*\}\}/g
/** What Grafana writes for "choose a name". */
const AUTOMATIC = '__auto'

/** @param format with `{{label}}`; a label that the series lacks becomes nothing */
export function legendOf(format: string | undefined, labels: Labels, expr: string): string {
  if (!format || format === AUTOMATIC) return metricText(labels) || expr
  return fillIn(format, labels)
}

export function fillIn(format: string, labels: Labels): string {
  return format.replace(PLACEHOLDER, (_, label: string) => labels[label] ?? '')
}

function metricText({ __name__: name = '', ...labels }: Labels): string {
  const matchers = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`
}
