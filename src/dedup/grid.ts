/** Grids of averages of two pictures, as they are compared: brightness, and both colours at half the resolution. */
import { averages, type Planes, type Rectangle } from './planes.ts'

export interface Scale {
  /** Cells of a side for brightness. */
  readonly cells: number
  /** How often neighbouring cells are averaged. It removes fine patterns, whose phase differs after a small shift. */
  readonly blurs: number
}

export function valuesOf({ cells }: Scale): number {
  return cells ** 2 + 2 * colourCells(cells) ** 2
}

/** Writes `valuesOf(scale)` averages of the rectangle to `into`. */
export function drawGrid(planes: Planes, area: Rectangle, scale: Scale, into: Float64Array): void {
  let offset = 0
  planes.channels.forEach((plane, channel) => {
    const side = channel === 0 ? scale.cells : colourCells(scale.cells)
    averages(plane, area, side, into, offset)
    for (let i = 0; i < scale.blurs; i++) blur(into, offset, side)
    offset += side * side
  })
}

export function mirrorGrid(grid: Float64Array, { cells }: Scale): void {
  let offset = 0
  for (const side of [cells, colourCells(cells), colourCells(cells)]) {
    for (let row = 0; row < side; row++, offset += side) grid.subarray(offset, offset + side).reverse()
  }
}

/** Mean error, in grey levels, that encoding leaves in an average. It would make a copy of a faint picture look different. */
const ENCODING_ERROR = 1

/**
 * The difference of two grids in proportion to their contrast: 0 for equal pictures, about 1.4 for unrelated ones. Colour
 * counts as much as brightness.
 */
export function differenceOf(a: Float64Array, b: Float64Array, scale: Scale): number {
  let [error, contrast, offset] = [0, 0, 0]
  for (const side of [scale.cells, colourCells(scale.cells), colourCells(scale.cells)]) {
    const count = side * side
    error += squaredError(a, b, offset, count) / count
    contrast += (variance(a, offset, count) + variance(b, offset, count)) / 2
    offset += count
  }
  return contrast > 0 ? Math.sqrt(Math.max(0, error - ENCODING_ERROR ** 2) / contrast) : Number.POSITIVE_INFINITY
}

/** Standard deviation of the values, in grey levels. */
export function contrastOf(grid: Float64Array, scale: Scale): number {
  let [contrast, offset] = [0, 0]
  for (const side of [scale.cells, colourCells(scale.cells), colourCells(scale.cells)]) {
    contrast += variance(grid, offset, side * side)
    offset += side * side
  }
  return Math.sqrt(contrast)
}

function colourCells(cells: number): number {
  return Math.max(3, cells >> 1)
}

function squaredError(a: Float64Array, b: Float64Array, offset: number, count: number): number {
  let sum = 0
  for (let i = offset; i < offset + count; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2
  return sum
}

function variance(values: Float64Array, offset: number, count: number): number {
  let [sum, squares] = [0, 0]
  for (let i = offset; i < offset + count; i++) {
    const value = values[i] as number
    sum += value
    squares += value * value
  }
  return Math.max(0, squares / count - (sum / count) ** 2)
}

/** Weights 1, 2, 1 along rows, then along columns. The edge counts twice. */
function blur(values: Float64Array, offset: number, side: number): void {
  for (let line = 0; line < side; line++) blurLine(values, offset + line * side, 1, side)
  for (let line = 0; line < side; line++) blurLine(values, offset + line, side, side)
}

function blurLine(values: Float64Array, first: number, step: number, count: number): void {
  let before = values[first] as number
  let here = before
  for (let i = 0, at = first; i < count; i++, at += step) {
    const after = i + 1 < count ? (values[at + step] as number) : here
    values[at] = (before + 2 * here + after) / 4
    before = here
    here = after
  }
}
