/**
 * Which input pixels a convolution multiplies with which element of its window. For each tap (element of the window), a
 * list pairs the input pixel under the tap with its output pixel. Stride, dilation and padding only change the lists.
 */
import type { tf } from './tf.ts'
import { integersAt, withScratch } from './wasm-heap.ts'

export type Conv2DInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>

export const FLOAT_BYTES = 4
/** Output pixels at once: their inputs and outputs stay in the processor's cache while the taps change. */
const BLOCK_PIXELS = 192
const PAIR_INTEGERS = 2

export type Taps = Conv2DInfo & {
  /** Input values under a tap. */
  readonly depth: number
}

export function tapsOf(info: Conv2DInfo): Taps {
  return { ...info, depth: info.inChannels }
}

/** Without padding, the inputs under a row of the window are adjacent, so the row is one tap. A root of 3 channels needs it. */
export function mergedTapsOf(info: Conv2DInfo): Taps {
  const { filterWidth, inChannels, dilationWidth, padInfo } = info
  if (dilationWidth > 1 || padInfo.left > 0 || padInfo.right > 0) return tapsOf(info)
  return { ...info, filterWidth: 1, depth: filterWidth * inChannels }
}

/** Which pixel of a pair comes first. */
export type PairOrder = 'inputFirst' | 'outputFirst'

type VisitTap = (tap: number, pairs: number, count: number) => void

/** Visits every tap of every block of output rows with the address of its list, and the number of pairs. */
export function forEachTap(taps: Taps, order: PairOrder, visit: VisitTap): void {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth } = taps
  const rows = batchSize * outHeight
  const blockRows = Math.max(1, Math.floor(BLOCK_PIXELS / outWidth))
  const length = blockRows * outWidth * PAIR_INTEGERS
  withScratch(length * Int32Array.BYTES_PER_ELEMENT, (address) => {
    const list = integersAt(address, length)
    for (let begin = 0; begin < rows; begin += blockRows) {
      const block = { begin, end: Math.min(rows, begin + blockRows) }
      for (let tap = 0; tap < filterHeight * filterWidth; tap++) {
        const count = listPairs(taps, tap, block, order, list)
        if (count > 0) visit(tap, address, count)
      }
    }
  })
}

interface Block {
  /** Rows of all output images, counted through. */
  readonly begin: number
  readonly end: number
}

/** Writes byte offsets of pixels. @returns the number of pairs */
function listPairs(taps: Taps, tap: number, { begin, end }: Block, order: PairOrder, list: Int32Array): number {
  const { inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth } = taps
  const { row, column } = positionOf(taps, tap)
  const first = Math.max(0, Math.ceil(-column / strideWidth))
  const last = Math.min(outWidth - 1, Math.floor((inWidth - 1 - column) / strideWidth))
  const inBytes = taps.inChannels * FLOAT_BYTES
  const outBytes = taps.outChannels * FLOAT_BYTES
  const [inPlace, outPlace] = order === 'inputFirst' ? [0, 1] : [1, 0]
  let at = 0
  for (let outRow = begin; outRow < end; outRow++) {
    const image = Math.floor(outRow / outHeight)
    const inRow = (outRow - image * outHeight) * strideHeight + row
    if (inRow < 0 || inRow >= inHeight) continue
    const inFirst = (image * inHeight + inRow) * inWidth + column
    for (let x = first; x <= last; x++) {
      list[at + inPlace] = (inFirst + x * strideWidth) * inBytes
      list[at + outPlace] = (outRow * outWidth + x) * outBytes
      at += PAIR_INTEGERS
    }
  }
  return at / PAIR_INTEGERS
}

/** Of the input pixel under the tap, seen from the first output pixel. */
function positionOf({ filterWidth, dilationHeight, dilationWidth, padInfo }: Taps, tap: number) {
  const row = Math.floor(tap / filterWidth) * dilationHeight - padInfo.top
  return { row, column: (tap % filterWidth) * dilationWidth - padInfo.left }
}
