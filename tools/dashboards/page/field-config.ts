/** Options of a field: the defaults of its panel, then the overrides that match it. */
import { type DataFrame, type Field, type FieldConfig, FieldType, fieldMatchers } from '@grafana/data'
import type { PanelJson } from '../dashboard-json.ts'

/** What the panels' own plugins, which are no library, add to a field without options. */
const DEFAULT_THRESHOLDS = { mode: 'absolute', steps: [{ color: 'green', value: -Infinity }] }
const DEFAULT_LINE = { drawStyle: 'line', lineWidth: 1, fillOpacity: 0, showPoints: 'auto' }

export function configOf(panel: PanelJson, field: Field, frame: DataFrame, frames: DataFrame[]): FieldConfig {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {}
  const isLine = panel.type !== 'stat' && panel.type !== 'table'
  const config: Record<string, unknown> = {
    ...{ color: { mode: isLine ? 'palette-classic' : 'thresholds' }, thresholds: DEFAULT_THRESHOLDS },
    ...(field.type === FieldType.time ? {} : structuredClone(defaults)),
    ...field.config,
    custom: { ...(isLine && DEFAULT_LINE), ...structuredClone(defaults.custom) },
  }
  for (const { matcher, properties } of overrides) {
    if (!fieldMatchers.get(matcher.id).get(matcher.options)(field, frame, frames)) continue
    for (const { id, value } of properties) set(config, id.split('.'), value)
  }
  return withLowestThreshold(config)
}

/** @param path of an option: `unit`, `custom.lineWidth` */
function set(config: Record<string, unknown>, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    config[first] = value
    return
  }
  const inner = { ...(config[first] as object) }
  set(inner, rest, value)
  config[first] = inner
}

/** JSON has no infinity: the lowest threshold of a file is null. */
function withLowestThreshold(config: FieldConfig): FieldConfig {
  const [lowest] = config.thresholds?.steps ?? []
  if (lowest) lowest.value = -Infinity
  return config
}
