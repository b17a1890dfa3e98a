/**
 * From the logits of one image to classes and loss, over plain arrays. Logits belong to every `stride`-th pixel of the
 * network's input, from the first on. C classes.
 */
import type { Size } from '../../input/pipeline.ts'
import { VOID } from '../../scores/index.ts'
import type { MaskTarget } from './input.ts'

/** The logits of an image, row by row. */
export interface LogitGrid extends Size {
  readonly logits_HWC: Float32Array
  readonly classes: number
  readonly stride: number
}

/**
 * The class of each pixel of the mask: the largest of the logits, which are interpolated bilinearly with aligned corners
 * (paper.md §4.7). The first of equal classes.
 */
export function upsampledClasses(grid: LogitGrid, target: MaskTarget): Uint8Array {
  const { width, classes: count } = grid
  const columns = cellsAlong(target.width, target.seen.width, grid.stride, width)
  const predicted = new Uint8Array(target.height * target.width)
  const line = new Float32Array(width * count)
  cellsAlong(target.height, target.seen.height, grid.stride, grid.height).forEach((row, y) => {
    mixRows(grid, row, line)
    columns.forEach((column, x) => {
      predicted[y * target.width + x] = largestBetween(line, column, count)
    })
  })
  return predicted
}

/** The class of the nearest pixel of the mask for each logit; void where a logit is in the padding. */
export function classesOnGrid(target: MaskTarget, { height, width }: Size, stride: number): Uint8Array {
  const rows = pixelsAlong(target.height, target.seen.height, stride, height)
  const columns = pixelsAlong(target.width, target.seen.width, stride, width)
  const classes = new Uint8Array(height * width).fill(VOID)
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      if (row >= 0 && column >= 0) classes[y * width + x] = target.classes[row * target.width + column] as number
    })
  })
  return classes
}

/** Softmax cross entropy, summed over the logits that are not void, and their number. */
export function crossEntropy({ logits_HWC, classes: count }: LogitGrid, truth: Uint8Array) {
  let [sum, pixels] = [0, 0]
  truth.forEach((label, i) => {
    if (label === VOID) return
    const logits_C = logits_HWC.subarray(i * count, (i + 1) * count)
    const largest = logits_C.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const total = logits_C.reduce((all, z) => all + Math.exp(z - largest), 0)
    sum += Math.log(total) + largest - (logits_C[label] as number)
    pixels++
  })
  return { sum, pixels }
}

/** Two neighbouring logits along an axis, and the share of the second. */
interface Cell {
  readonly low: number
  readonly high: number
  readonly share: number
}

/** The place of each mask pixel among the logits of one axis. */
function cellsAlong(maskSide: number, seenSide: number, stride: number, gridSide: number): Cell[] {
  return Array.from({ length: maskSide }, (_, at) => {
    const seen = Math.min(Math.max(((at + 0.5) * seenSide) / maskSide - 0.5, 0), seenSide - 1)
    const low = Math.floor(seen / stride)
    return { low, high: Math.min(low + 1, gridSide - 1), share: seen / stride - low }
  })
}

/** The mask pixel under each logit of one axis; -1 in the padding. */
function pixelsAlong(maskSide: number, seenSide: number, stride: number, gridSide: number): number[] {
  return Array.from({ length: gridSide }, (_, i) => {
    const seen = i * stride
    return seen < seenSide ? Math.floor(((seen + 0.5) * maskSide) / seenSide) : -1
  })
}

/** One row of logits between two rows of the grid. */
function mixRows({ logits_HWC }: LogitGrid, { low, high, share }: Cell, line: Float32Array): void {
  const [upper, lower] = [low * line.length, high * line.length]
  for (let i = 0; i < line.length; i++) {
    const above = logits_HWC[upper + i] as number
    line[i] = above + ((logits_HWC[lower + i] as number) - above) * share
  }
}

function largestBetween(line: Float32Array, { low, high, share }: Cell, count: number): number {
  let [best, bestValue] = [0, Number.NEGATIVE_INFINITY]
  for (let c = 0; c < count; c++) {
    const left = line[low * count + c] as number
    const value = left + ((line[high * count + c] as number) - left) * share
    if (value > bestValue) [best, bestValue] = [c, value]
  }
  return best
}
