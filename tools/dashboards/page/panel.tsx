/** A panel: its frame and title, and inside of it what its type says. */
import type { DataFrame, GrafanaTheme2 } from '@grafana/data'
import type { VizLegendOptions } from '@grafana/schema'
import { PanelChrome, type TableSortByFieldState } from '@grafana/ui'
import { TableNG } from '@grafana/ui/unstable'
import type { ReactNode } from 'react'
import type { AnnotationEvent, PanelJson, TimeRangeSeconds } from '../dashboard-json.ts'
import { StatPanel } from './stat-panel.tsx'
import { TimeSeriesPanel } from './time-series-panel.tsx'

export interface PanelProps {
  readonly panel: PanelJson
  readonly frames: DataFrame[]
  readonly events: readonly AnnotationEvent[]
  readonly range: TimeRangeSeconds
  readonly theme: GrafanaTheme2
  readonly width: number
  readonly height: number
}

/** Panels whose component Grafana keeps to itself are drawn as lines, and say so. */
const OWN_COMPONENT: ReadonlySet<string> = new Set(['timeseries', 'stat', 'table'])

export function Panel(props: PanelProps) {
  const { panel, width, height, frames } = props
  const title = OWN_COMPONENT.has(panel.type) ? panel.title : `${panel.title} (a ${panel.type}, drawn as lines)`
  const content = (w: number, h: number) =>
    frames.some(({ length }) => length > 0) ? draw({ ...props, width: w, height: h }) : nothing(panel, h)
  return (
    <PanelChrome {...{ title, width, height, description: panel.description ?? '' }} padding={paddingOf(panel)}>
      {content}
    </PanelChrome>
  )
}

function paddingOf({ type }: PanelJson): 'none' | 'md' {
  return type === 'table' ? 'none' : 'md'
}

function draw({ panel, frames, events, range, theme, width, height }: PanelProps): ReactNode {
  if (panel.type === 'stat') return <StatPanel {...{ panel, frames, theme, width, height }} />
  if (panel.type === 'table' && frames[0]) {
    const sortBy = (panel.options?.sortBy ?? []) as TableSortByFieldState[]
    return <TableNG {...{ data: frames[0], width, height, sortBy }} />
  }
  const legend = panel.options?.legend as Partial<VizLegendOptions> | undefined
  return <TimeSeriesPanel {...{ frames, events, range, legend, theme, width, height }} />
}

function nothing({ fieldConfig }: PanelJson, height: number): ReactNode {
  const text = fieldConfig?.defaults.noValue ?? 'No data'
  return <div style={{ height, display: 'grid', placeItems: 'center', opacity: 0.7 }}>{text}</div>
}
