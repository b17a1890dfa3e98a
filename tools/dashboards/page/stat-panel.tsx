/** One big number for each value, with its course behind it. */
import { type DataFrame, type FieldDisplay, type GrafanaTheme2, getFieldDisplayValues } from '@grafana/data'
import {
  BigValue,
  BigValueColorMode,
  BigValueGraphMode,
  type BigValueJustifyMode,
  type BigValueTextMode,
} from '@grafana/ui'
import type { PanelJson } from '../dashboard-json.ts'

interface Props {
  readonly panel: PanelJson
  readonly frames: DataFrame[]
  readonly theme: GrafanaTheme2
  readonly width: number
  readonly height: number
}

interface StatOptions {
  readonly reduceOptions?: { readonly calcs: string[]; readonly values?: boolean; readonly fields?: string }
  readonly colorMode?: BigValueColorMode
  readonly graphMode?: BigValueGraphMode
  readonly justifyMode?: BigValueJustifyMode
  readonly textMode?: BigValueTextMode
}

export function StatPanel({ panel, frames, theme, width, height }: Props) {
  const options = (panel.options ?? {}) as StatOptions
  const values = valuesOf(options, frames, theme)
  return (
    <div style={{ display: 'flex' }}>
      {values.map(({ name, display, sparkline }) => (
        <BigValue
          key={name}
          {...{ theme, height, width: width / values.length, value: display, count: values.length }}
          {...(sparkline && { sparkline })}
          {...(options.justifyMode && { justifyMode: options.justifyMode })}
          {...(options.textMode && { textMode: options.textMode })}
          colorMode={options.colorMode ?? BigValueColorMode.Value}
          graphMode={options.graphMode ?? BigValueGraphMode.Area}
        />
      ))}
    </div>
  )
}

export function valuesOf({ reduceOptions }: StatOptions, frames: DataFrame[], theme: GrafanaTheme2): FieldDisplay[] {
  return getFieldDisplayValues({
    reduceOptions: { values: false, ...(reduceOptions ?? { calcs: ['lastNotNull'] }) },
    fieldConfig: { defaults: {}, overrides: [] },
    ...{ data: frames, theme, sparkline: true, timeZone: 'utc', replaceVariables: (text) => text },
  })
}
