/** Lines over time, with annotations. */
import { type DataFrame, dateTime, type GrafanaTheme2, type TimeRange } from '@grafana/data'
import type { VizLegendOptions } from '@grafana/schema'
import { LegendDisplayMode, TimeSeries, type UPlotConfigBuilder } from '@grafana/ui'
import { useLayoutEffect } from 'react'
import type { AnnotationEvent, TimeRangeSeconds } from '../dashboard-json.ts'

interface Props {
  readonly frames: DataFrame[]
  readonly events: readonly AnnotationEvent[]
  readonly range: TimeRangeSeconds
  readonly legend: Partial<VizLegendOptions> | undefined
  readonly theme: GrafanaTheme2
  readonly width: number
  readonly height: number
}

const LEGEND: VizLegendOptions = {
  ...{ displayMode: LegendDisplayMode.List, placement: 'bottom', showLegend: true, calcs: [] },
}
const DASH = [4, 4]
const REGION_OPACITY = 0.12

export function TimeSeriesPanel({ frames, events, range, legend, theme, width, height }: Props) {
  return (
    <TimeSeries
      {...{ frames, width, height, structureRev: 1, timeZone: 'utc', timeRange: timeRangeOf(range) }}
      legend={{ ...LEGEND, ...legend }}
    >
      {(builder) => <Annotations {...{ builder, events, theme }} />}
    </TimeSeries>
  )
}

export function timeRangeOf({ from, to }: TimeRangeSeconds): TimeRange {
  const range = { from: dateTime(from * 1000), to: dateTime(to * 1000) }
  return { ...range, raw: range }
}

interface AnnotationsProps {
  readonly builder: UPlotConfigBuilder
  readonly events: readonly AnnotationEvent[]
  readonly theme: GrafanaTheme2
}

/** Grafana's own annotations belong to its server: a dashed line marks the start, a shade how long the event lasts. */
function Annotations({ builder, events, theme }: AnnotationsProps) {
  useLayoutEffect(() => {
    builder.addHook('draw', ({ ctx, bbox, valToPos }) => {
      ctx.save()
      ctx.beginPath()
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
      ctx.clip()
      for (const event of events) {
        const [left, right] = [event.from, event.to].map((seconds) => valToPos(seconds * 1000, 'x', true)) as [
          number,
          number,
        ]
        mark(ctx, { left, right, top: bbox.top, height: bbox.height }, theme.visualization.getColorByName(event.color))
      }
      ctx.restore()
    })
  }, [builder, events, theme])
  return null
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly height: number
}

function mark(ctx: CanvasRenderingContext2D, { left, right, top, height }: Box, color: string): void {
  ctx.fillStyle = color
  ctx.strokeStyle = color
  ctx.globalAlpha = REGION_OPACITY
  ctx.fillRect(left, top, right - left, height)
  ctx.globalAlpha = 1
  ctx.setLineDash(DASH)
  ctx.beginPath()
  ctx.moveTo(left, top)
  ctx.lineTo(left, top + height)
  ctx.stroke()
}
