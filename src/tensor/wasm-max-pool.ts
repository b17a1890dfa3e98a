/** The gradient of max-pooling: the kernel of tfjs takes ten times as long. */
import type { TensorInfo } from '@tensorflow/tfjs'
import { type Tensor4D, tf } from './tf.ts'
import { addressOf, allocateZeros, kernels, type Operand } from './wasm-heap.ts'
import { FLOAT_BYTES } from './wasm-taps.ts'

/** The attributes of the tfjs kernel MaxPoolGrad. */
export interface MaxPoolAttributes {
  readonly filterSize: [number, number] | number
  readonly strides: [number, number] | number
  readonly pad: 'valid' | 'same' | number
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>

/** Of several largest inputs in a window, the first gets the gradient. */
export function maxPoolGradient(x: Tensor4D, dy: Operand, attributes: MaxPoolAttributes): TensorInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attributes
  const info = tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode)
  const dx = allocateZeros(x.shape)
  const { batchSize, outHeight, outWidth } = info
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row++) {
      for (let column = 0; column < outWidth; column++) routeWindow(info, { x, dy, dx }, image, row, column)
    }
  }
  return dx
}

function routeWindow(
  info: PoolInfo,
  { x, dy, dx }: Readonly<Record<'x' | 'dy' | 'dx', Operand>>,
  image: number,
  row: number,
  column: number,
): void {
  const { inHeight, inWidth, outHeight, outWidth, inChannels, padInfo } = info
  const rows = windowAt(row, info.strideHeight, info.filterHeight, padInfo.top, inHeight)
  const columns = windowAt(column, info.strideWidth, info.filterWidth, padInfo.left, inWidth)
  const pixelBytes = inChannels * FLOAT_BYTES
  const from = ((image * inHeight + rows.first) * inWidth + columns.first) * pixelBytes
  const to = ((image * outHeight + row) * outWidth + column) * pixelBytes
  kernels().maxPoolGradient(
    addressOf(x) + from,
    addressOf(dy) + to,
    addressOf(dx) + from,
    rows.count,
    columns.count,
    inWidth * pixelBytes,
    pixelBytes,
    inChannels,
  )
}

/** The part of a window that lies inside of the picture, along one axis. */
function windowAt(place: number, stride: number, size: number, before: number, length: number) {
  const begin = place * stride - before
  const first = Math.max(0, begin)
  return { first, count: Math.min(length, begin + size) - first }
}
