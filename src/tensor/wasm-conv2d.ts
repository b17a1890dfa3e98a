/**
 * Convolution and its gradients on own kernels. With x the inputs, y the outputs and W a tap's matrix of in × out
 * channels, for every pair of pixels in the tap's list:
 *   y[out] += x[in]·W,   dx[in] += dy[out]·Wᵀ,   dW += x[in]ᵀ·dy[out]
 * Nothing is padded, spread, flipped or transposed but the packed filter.
 */
import type { TensorInfo } from '@tensorflow/tfjs'
import { addressOf, allocateZeros, kernels, type Operand, withScratch } from './wasm-heap.ts'
import {
  type Conv2DInfo,
  FLOAT_BYTES,
  forEachTap,
  mergedTapsOf,
  type PairOrder,
  type Taps,
  tapsOf,
} from './wasm-taps.ts'

/** Columns of a panel of the packed filter, as in tools/tensor-kernels/matrix.ts. */
const PANEL = 8
/** Terms of a sum at once: a panel of them stays in the first-level cache. */
const BLOCK_DEPTH = 512

export function convolve(x: Operand, filter: Operand, info: Conv2DInfo): TensorInfo {
  const y = allocateZeros(info.outShape)
  const taps = mergedTapsOf(info)
  const matrix = { depth: taps.depth, width: taps.outChannels, depthStride: taps.outChannels, widthStride: 1 }
  multiplyTaps(taps, 'inputFirst', { filter, ...matrix }, x, y)
  return y
}

export function inputGradient(dy: Operand, filter: Operand, info: Conv2DInfo): TensorInfo {
  const dx = allocateZeros(info.inShape)
  const { inChannels, outChannels } = info
  const matrix = { depth: outChannels, width: inChannels, depthStride: 1, widthStride: outChannels }
  multiplyTaps(tapsOf(info), 'outputFirst', { filter, ...matrix }, dy, dx)
  return dx
}

export function filterGradient(x: Operand, dy: Operand, info: Conv2DInfo): TensorInfo {
  const dw = allocateZeros(info.filterShape)
  const taps = mergedTapsOf(info)
  const { depth, outChannels } = taps
  const [inputs, outputs, sums] = [addressOf(x), addressOf(dy), addressOf(dw)]
  const { outer } = kernels()
  forEachTap(taps, 'inputFirst', (tap, pairs, count) => {
    outer(pairs, count, inputs, outputs, sums + tap * depth * outChannels * FLOAT_BYTES, depth, outChannels)
  })
  return dw
}

/** The right operand of each tap's product: the filter's matrix of the tap, or its transpose. */
interface TapMatrix {
  readonly filter: Operand
  readonly depth: number
  readonly width: number
  /** Floats from one element to the next along each axis. */
  readonly depthStride: number
  readonly widthStride: number
}

/** to[second] += from[first]·matrix for the pairs of every tap. */
function multiplyTaps(taps: Taps, order: PairOrder, matrix: TapMatrix, from: Operand, to: Operand): void {
  const { depth, width } = matrix
  const panelBytes = depth * PANEL * FLOAT_BYTES
  const tapBytes = Math.ceil(width / PANEL) * panelBytes
  const count = taps.filterHeight * taps.filterWidth
  const { multiply } = kernels()
  withScratch(count * tapBytes, (packed) => {
    for (let tap = 0; tap < count; tap++) packTap(matrix, tap, packed + tap * tapBytes)
    const [source, target] = [addressOf(from), addressOf(to)]
    forEachTap(taps, order, (tap, pairs, count) => {
      for (let k = 0; k < depth; k += BLOCK_DEPTH) {
        const panels = packed + tap * tapBytes + k * PANEL * FLOAT_BYTES
        const terms = Math.min(BLOCK_DEPTH, depth - k)
        multiply(pairs, count, source + k * FLOAT_BYTES, panels, target, terms, width, panelBytes)
      }
    })
  })
}

function packTap({ filter, depth, width, depthStride, widthStride }: TapMatrix, tap: number, to: number): void {
  const from = addressOf(filter) + tap * depth * width * FLOAT_BYTES
  kernels().pack(from, to, depth, width, depthStride * FLOAT_BYTES, widthStride * FLOAT_BYTES)
}
