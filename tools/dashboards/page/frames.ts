/** Turns series of Prometheus into the frames that Grafana's components draw, with the options of their panel. */
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  createDataFrame,
  type DataFrame,
  type DataTransformerConfig,
  FieldType,
  type GrafanaTheme2,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data'
import type { PanelJson, Series } from '../dashboard-json.ts'
import { configOf } from './field-config.ts'

/** By id, because the library lists one of them by a second name. */
const TRANSFORMERS = new Map(Object.values(standardTransformers).map((one) => [one.id, one]))

standardTransformersRegistry.setInit(() =>
  [...TRANSFORMERS.values()].map((transformer) => ({
    ...{ id: transformer.id, name: transformer.name, editor: () => null, imageDark: '', imageLight: '' },
    transformation: () => Promise.resolve(transformer),
  })),
)

export async function framesOf(
  panel: PanelJson,
  series: readonly Series[],
  theme: GrafanaTheme2,
): Promise<DataFrame[]> {
  const isTable = series.some(({ isRow }) => isRow)
  const frames = isTable ? tableFrames(series) : series.map(lineFrame)
  return withConfig(panel, await transformed(panel, frames), theme)
}

/** A table has a column for each label. Grafana calls the value of the only query `Value`. */
function tableFrames(series: readonly Series[]): DataFrame[] {
  const queries = [...new Set(series.map(({ refId }) => refId))]
  return queries.map((refId) => {
    const rows = series.filter((one) => one.refId === refId)
    const labels = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))].sort()
    const newest = rows.map(({ samples }) => samples.at(-1) ?? [0, Number.NaN])
    const text = (label: string) => ({
      ...{ name: label, type: FieldType.string, config: {}, values: rows.map((row) => row.labels[label] ?? '') },
    })
    return createDataFrame({
      refId,
      fields: [
        { name: 'Time', type: FieldType.time, config: {}, values: newest.map(([seconds]) => seconds * 1000) },
        ...labels.map(text),
        {
          name: queries.length > 1 ? `Value #${refId}` : 'Value',
          ...{ type: FieldType.number, config: {}, values: newest.map(([, value]) => value) },
        },
      ],
    })
  })
}

/** The time field has the distance of its points, by which the graph knows where a line ends. */
function lineFrame({ refId, legend, labels, samples, stepSeconds }: Series): DataFrame {
  const interval = stepSeconds === undefined ? {} : { interval: stepSeconds * 1000 }
  const values = samples.map(([, value]) => (Number.isNaN(value) ? null : value))
  return createDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: interval, values: samples.map(([seconds]) => seconds * 1000) },
      { name: 'Value', type: FieldType.number, labels, config: { displayNameFromDS: legend }, values },
    ],
  })
}

function transformed({ transformations = [] }: PanelJson, frames: DataFrame[]): Promise<DataFrame[]> {
  return new Promise((resolve, reject) => {
    const steps = transformations.map((one): DataTransformerConfig => ({ id: one.id, options: one.options }))
    transformDataFrame(steps, frames).subscribe({ next: resolve, error: reject })
  })
}

function withConfig(panel: PanelJson, frames: DataFrame[], theme: GrafanaTheme2): DataFrame[] {
  let seriesIndex = 0
  for (const frame of frames)
    for (const field of frame.fields) {
      field.config = configOf(panel, field, frame, frames)
      // Its colour follows from its place among the lines; without it every line has the same.
      if (field.type === FieldType.number) field.state = { ...field.state, seriesIndex: seriesIndex++ }
    }
  const fieldConfig = { defaults: {}, overrides: [] }
  const replaceVariables = (text: string) => text
  const finished = applyFieldOverrides({ data: frames, fieldConfig, theme, timeZone: 'utc', replaceVariables })
  // The table reads the names from here alone.
  cacheFieldDisplayNames(finished)
  return finished
}
