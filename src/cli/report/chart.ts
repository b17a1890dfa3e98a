/** Draws a line chart as inline SVG with an HTML legend. It uses no script, font or other file, so a report can be mailed. */
export interface Series {
  name: string
  /** NaN or an infinite value leaves a gap in the line. */
  points: readonly { x: number; y: number }[]
}

export interface Chart {
  title: string
  /** Quantity and unit of the y axis. */
  yLabel: string
  xLabel: string
  series: readonly Series[]
}

export type Shape = 'usual' | 'wide'
type Size = Readonly<Record<'width' | 'height' | 'left' | 'right' | 'top' | 'bottom', number>>

const MARGINS = { left: 54, right: 18, top: 24, bottom: 42 }
/** In pixels. Text has its normal size when a chart is shown at this width; a phone is about as wide as the usual shape. */
const SIZES: Readonly<Record<Shape, Size>> = {
  usual: { width: 400, height: 240, ...MARGINS },
  wide: { width: 1100, height: 340, ...MARGINS },
}
const COLOURS = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#b45309', '#0e7490']
/** Distinguish the lines without colour: in print, and for colour-blind readers. */
const DASHES = ['', '7 4', '2 3', '10 3 2 3']
const TICKS = 5
/** A series with at most this many points gets dots. A single point would otherwise be invisible: it has no line. */
const MAX_DOTS = 40

export function lineChart({ title, yLabel, xLabel, series }: Chart, shape: Shape = 'usual'): string {
  const drawn = series.filter((one) => one.points.some(isDrawable))
  if (drawn.length === 0) return `<p>${escapeHtml(title)}: nothing was recorded.</p>`
  const size = SIZES[shape]
  const { width, height, left, right, top, bottom } = size
  const all = drawn.flatMap((one) => one.points.filter(isDrawable))
  const xTicks = niceTicks(all.map((p) => p.x))
  const yTicks = niceTicks(all.map((p) => p.y))
  const x = scale(ends(xTicks), [left, width - right])
  const y = scale(ends(yTicks), [height - bottom, top])
  const svg = [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text x="2" y="12" class="unit">${escapeHtml(yLabel)}</text>`,
    ...xTicks.map((value) => xTick(size, x(value), value)),
    ...yTicks.map((value) => yTick(size, y(value), value)),
    `<text x="${(left + width - right) / 2}" y="${height - 6}" class="axis">${escapeHtml(xLabel)}</text>`,
    ...drawn.map((one, i) => curve(one, i, x, y, 2 * width)),
    '</svg>',
  ].join('\n')
  const legend = drawn.length > 1 ? `<ul class="legend">${drawn.map(legendEntry).join('')}</ul>` : ''
  return `<figure class="${shape}"><figcaption>${escapeHtml(title)}</figcaption>${svg}${legend}</figure>`
}

type Point = Series['points'][number]
type Scale = (value: number) => number

function isDrawable({ x, y }: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}

function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  return (value) => from + ((value - low) / (high - low)) * (to - from)
}

function ends(ticks: readonly number[]): [number, number] {
  return [ticks[0] as number, ticks.at(-1) as number]
}

/** @returns two or more round numbers, evenly spaced, that enclose the values and zero */
export function niceTicks(values: readonly number[]): number[] {
  const low = values.reduce((least, value) => Math.min(least, value), 0)
  const high = values.reduce((greatest, value) => Math.max(greatest, value), 0)
  const rough = (high - low || 1) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough * 0.999) ?? 10)
  const first = Math.floor(low / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9))
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)
}

function xTick({ height, top, bottom }: Size, at: number, value: number): string {
  const floor = height - bottom
  return `<line x1="${at}" y1="${top}" x2="${at}" y2="${floor}" class="grid"/><text x="${at}" y="${floor + 16}" class="axis">${shortNumber(value)}</text>`
}

function yTick({ width, left, right }: Size, at: number, value: number): string {
  return `<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" class="grid"/><text x="${left - 6}" y="${at + 4}" class="left">${shortNumber(value)}</text>`
}

function curve({ points }: Series, index: number, x: Scale, y: Scale, maxPoints: number): string {
  const colour = colourOf(index)
  const pieces = piecesOf(points).map((piece) => {
    const at = thinned(piece, maxPoints).map((p) => `${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`)
    return `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.8"${dashOf(index)}/>`
  })
  const seen = points.filter(isDrawable)
  const dots = seen.length > MAX_DOTS ? [] : seen.map((p) => dot(x(p.x), y(p.y), colour))
  return [...pieces, ...dots].join('\n')
}

/** Splits the points at gaps. */
function piecesOf(points: readonly Point[]): Point[][] {
  const pieces: Point[][] = [[]]
  for (const point of points) {
    if (isDrawable(point)) pieces.at(-1)?.push(point)
    else pieces.push([])
  }
  return pieces.filter((piece) => piece.length > 0)
}

/** Keeps every n-th point and the last one, so that about `maxPoints` are left. */
function thinned(points: readonly Point[], maxPoints: number): readonly Point[] {
  const stride = Math.ceil(points.length / maxPoints)
  return stride <= 1 ? points : points.filter((_, i) => i % stride === 0 || i === points.length - 1)
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.6" fill="${colour}"/>`
}

function legendEntry({ name }: Series, index: number): string {
  const sample = `<svg class="sample" viewBox="0 0 28 8" aria-hidden="true"><line x1="0" y1="4" x2="28" y2="4" stroke="${colourOf(index)}" stroke-width="2.5"${dashOf(index)}/></svg>`
  return `<li>${sample}${escapeHtml(name)}</li>`
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] as string
}

function dashOf(index: number): string {
  const dash = DASHES[index % DASHES.length]
  return dash ? ` stroke-dasharray="${dash}"` : ''
}

export function shortNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(2).replace(/\.?0+e/, 'e')
  if (size >= 1e6) return `${trim(value / 1e6)}M`
  if (size >= 1e4) return `${trim(value / 1e3)}k`
  return trim(value)
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)))
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (char) => entities[char] as string)
}
