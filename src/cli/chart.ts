/** A line chart as an SVG string: no script, no font, no file beside it, so that a report can be mailed. */
export interface Series {
  name: string
  points: readonly { x: number; y: number }[]
}

const SIZE = { width: 560, height: 260, left: 58, right: 20, top: 28, bottom: 40 }
const COLOURS = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#d97706', '#0891b2']
const TICKS = 5
/** Two for each pixel across. */
const MAX_POINTS = 2 * SIZE.width

export function lineChart(title: string, xLabel: string, series: readonly Series[]): string {
  const drawn = series.filter((one) => one.points.length > 0)
  if (drawn.length === 0) return `<p>${escapeHtml(title)}: nothing was recorded.</p>`
  const all = drawn.flatMap((one) => one.points)
  const xTicks = niceTicks(all.map((p) => p.x))
  const yTicks = niceTicks(all.map((p) => p.y))
  const x = scale(ends(xTicks), [SIZE.left, SIZE.width - SIZE.right])
  const y = scale(ends(yTicks), [SIZE.height - SIZE.bottom, SIZE.top])
  return [
    `<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text x="${SIZE.left}" y="16" class="title">${escapeHtml(title)}</text>`,
    ...xTicks.map((value) => xTick(x(value), value)),
    ...yTicks.map((value) => yTick(y(value), value)),
    `<text x="${SIZE.width / 2}" y="${SIZE.height - 4}" class="axis">${escapeHtml(xLabel)}</text>`,
    ...drawn.map((one, i) => line(one, COLOURS[i % COLOURS.length] as string, x, y)),
    ...(drawn.length > 1 ? drawn.map((one, i) => legend(one.name, i)) : []),
    '</svg>',
  ].join('\n')
}

type Scale = (value: number) => number

function scale([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  return (value) => from + ((value - low) / (high - low)) * (to - from)
}

function ends(ticks: readonly number[]): [number, number] {
  return [ticks[0] as number, ticks.at(-1) as number]
}

/** At least two round numbers that enclose the values, and zero, so that a curve's height means something. */
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

function xTick(at: number, value: number): string {
  const bottom = SIZE.height - SIZE.bottom
  return `<line x1="${at}" y1="${SIZE.top}" x2="${at}" y2="${bottom}" class="grid"/><text x="${at}" y="${bottom + 16}" class="axis">${shortNumber(value)}</text>`
}

function yTick(at: number, value: number): string {
  return `<line x1="${SIZE.left}" y1="${at}" x2="${SIZE.width - SIZE.right}" y2="${at}" class="grid"/><text x="${SIZE.left - 6}" y="${at + 4}" class="left">${shortNumber(value)}</text>`
}

function line(series: Series, colour: string, x: Scale, y: Scale): string {
  const points = thinned(series.points)
    .map((p) => `${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`)
    .join(' ')
  return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.6"/>`
}

/** The first and last point, and of those between as many as can be told apart. */
function thinned(points: Series['points']): Series['points'] {
  const stride = Math.ceil(points.length / MAX_POINTS)
  return stride <= 1 ? points : points.filter((_, i) => i % stride === 0 || i === points.length - 1)
}

function legend(name: string, index: number): string {
  const y = SIZE.top + 14 + index * 16
  const right = SIZE.width - SIZE.right - 8
  return `<text x="${right}" y="${y}" class="left" style="fill:${COLOURS[index % COLOURS.length]}">${escapeHtml(name)}</text>`
}

export function shortNumber(value: number): string {
  const size = Math.abs(value)
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
