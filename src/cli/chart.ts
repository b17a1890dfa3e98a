/** A line chart as an SVG string: no script, no font, no file beside it, so that a report can be mailed. */
export interface Series {
  name: string
  points: readonly { x: number; y: number }[]
}

const SIZE = { width: 560, height: 260, left: 58, right: 12, top: 28, bottom: 40 }
const COLOURS = ['#2563eb', '#dc2626', '#059669', '#9333ea', '#d97706', '#0891b2']
const TICKS = 5

export function lineChart(title: string, xLabel: string, series: readonly Series[]): string {
  const drawn = series.filter((one) => one.points.length > 0)
  if (drawn.length === 0) return `<p>${escapeHtml(title)}: nothing was recorded.</p>`
  const all = drawn.flatMap((one) => one.points)
  const x = scale(extent(all.map((p) => p.x)), [SIZE.left, SIZE.width - SIZE.right])
  const y = scale(extent(all.map((p) => p.y)), [SIZE.height - SIZE.bottom, SIZE.top])
  return [
    `<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text x="${SIZE.left}" y="16" class="title">${escapeHtml(title)}</text>`,
    ...ticks(x.domain).map((value) => xTick(x(value), value)),
    ...ticks(y.domain).map((value) => yTick(y(value), value)),
    `<text x="${SIZE.width / 2}" y="${SIZE.height - 4}" class="axis">${escapeHtml(xLabel)}</text>`,
    ...drawn.map((one, i) => line(one, COLOURS[i % COLOURS.length] as string, x, y)),
    ...(drawn.length > 1 ? drawn.map((one, i) => legend(one.name, i)) : []),
    '</svg>',
  ].join('\n')
}

type Scale = ((value: number) => number) & { domain: readonly [number, number] }

function scale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [low, high] = domain
  const at = (value: number) => range[0] + ((value - low) / (high - low)) * (range[1] - range[0])
  return Object.assign(at, { domain })
}

/** Smallest and largest value, widened where they are equal: a flat line still needs an axis. */
function extent(values: readonly number[]): [number, number] {
  const low = Math.min(...values)
  const high = Math.max(...values)
  return low === high ? [low - 1, high + 1] : [low, high]
}

function ticks([low, high]: readonly [number, number]): number[] {
  return Array.from({ length: TICKS + 1 }, (_, i) => low + ((high - low) * i) / TICKS)
}

function xTick(at: number, value: number): string {
  const bottom = SIZE.height - SIZE.bottom
  return `<line x1="${at}" y1="${SIZE.top}" x2="${at}" y2="${bottom}" class="grid"/><text x="${at}" y="${bottom + 16}" class="axis">${shortNumber(value)}</text>`
}

function yTick(at: number, value: number): string {
  return `<line x1="${SIZE.left}" y1="${at}" x2="${SIZE.width - SIZE.right}" y2="${at}" class="grid"/><text x="${SIZE.left - 6}" y="${at + 4}" class="left">${shortNumber(value)}</text>`
}

function line(series: Series, colour: string, x: Scale, y: Scale): string {
  const points = series.points.map((p) => `${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`).join(' ')
  return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.6"/>`
}

function legend(name: string, index: number): string {
  const y = SIZE.top + 14 + index * 16
  const right = SIZE.width - SIZE.right - 8
  return `<text x="${right}" y="${y}" class="left" fill="${COLOURS[index % COLOURS.length]}">${escapeHtml(name)}</text>`
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
