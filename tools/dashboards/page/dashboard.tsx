/** A whole dashboard at Grafana's places, 1280 pixels wide. */
import type { DataFrame, GrafanaTheme2 } from '@grafana/data'
import type { CSSProperties } from 'react'
import { COLUMN_PIXELS, type Drawing, type GridPos, PAGE_WIDTH, type PanelJson, ROW_PIXELS } from '../dashboard-json.ts'
import { Panel } from './panel.tsx'

const GAP = 8
const MARGIN = 16
const HEADER = 64
const FOOTER = 40

export interface DashboardProps {
  readonly drawing: Drawing
  readonly frames: ReadonlyMap<number, DataFrame[]>
  readonly theme: GrafanaTheme2
}

export function Dashboard({ drawing, frames, theme }: DashboardProps) {
  const { dashboard, caption } = drawing
  const bottom = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * ROW_PIXELS
  return (
    <div id="dashboard" style={pageStyle(theme, bottom)}>
      <Header {...{ drawing, theme }} />
      <div style={{ position: 'relative', height: bottom }}>
        {dashboard.panels.map((panel) => (
          <Place key={panel.id} {...{ panel, drawing, theme, frames: frames.get(panel.id) ?? [] }} />
        ))}
      </div>
      <div style={{ color: theme.colors.text?.secondary, paddingTop: GAP }}>{caption}</div>
    </div>
  )
}

function pageStyle(theme: GrafanaTheme2, bottom: number): CSSProperties {
  return {
    ...{ boxSizing: 'border-box', width: PAGE_WIDTH + 2 * MARGIN, height: HEADER + bottom + FOOTER },
    ...{ padding: `0 ${MARGIN}px`, background: theme.colors.background?.canvas, color: theme.colors.text?.primary },
    fontFamily: theme.typography.fontFamily,
  }
}

function Header({ drawing: { dashboard, choices, range }, theme }: Omit<DashboardProps, 'frames'>) {
  const clock = (seconds: number) => new Date(seconds * 1000).toISOString().replace('T', ' ').slice(0, 19)
  const chosen = choices.map(([label, value]) => `${label}: ${value}`)
  return (
    <div style={{ height: HEADER, display: 'flex', alignItems: 'center', justifyContent: 'space-between' }}>
      <div style={{ fontSize: theme.typography.h3.fontSize }}>{dashboard.title}</div>
      <div style={{ color: theme.colors.text?.secondary, textAlign: 'right' }}>
        <div>{chosen.join(', ')}</div>
        <div>{`${clock(range.from)} to ${clock(range.to)} UTC`}</div>
      </div>
    </div>
  )
}

interface PlaceProps {
  readonly panel: PanelJson
  readonly drawing: Drawing
  readonly frames: DataFrame[]
  readonly theme: GrafanaTheme2
}

function Place({ panel, drawing: { events, range }, frames, theme }: PlaceProps) {
  const { left, top, width, height } = boxOf(panel.gridPos)
  const style: CSSProperties = { position: 'absolute', left, top, width, height }
  if (panel.type === 'row') return <h4 style={{ ...style, margin: 0, lineHeight: `${height}px` }}>{panel.title}</h4>
  return (
    <div style={style}>
      <Panel {...{ panel, frames, events, range, theme, width, height }} />
    </div>
  )
}

function boxOf({ x, y, w, h }: GridPos) {
  return { left: x * COLUMN_PIXELS, top: y * ROW_PIXELS, width: w * COLUMN_PIXELS - GAP, height: h * ROW_PIXELS - GAP }
}
