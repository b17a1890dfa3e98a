/** Matrix products on the kernels of convolutions. On WASM, tfjs takes seven times as long when the left one is transposed. */
import type { TensorInfo } from '@tensorflow/tfjs'
import { type Tensor, tf } from './tf.ts'
import { convolve, filterGradient, inputGradient } from './wasm-conv2d.ts'
import type { Conv2DInfo } from './wasm-taps.ts'

/** The attributes of the tfjs kernel BatchMatMul. */
export interface MatMulAttributes {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/** @returns undefined for batches of matrices, integers, two transposed matrices, and empty ones */
export function multiplyMatrices(
  a: Tensor,
  b: Tensor,
  { transposeA, transposeB }: MatMulAttributes,
): TensorInfo | undefined {
  const [rowsA, columnsA] = matrixShape(a)
  const [rowsB, columnsB] = matrixShape(b)
  const isOne = a.size === rowsA * columnsA && b.size === rowsB * columnsB
  const areFloats = a.dtype === 'float32' && b.dtype === 'float32'
  if (!isOne || !areFloats || a.size * b.size === 0 || (transposeA && transposeB)) return undefined
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const reshaped = (info: TensorInfo, rows: number, columns: number) => ({ ...info, shape: [...outer, rows, columns] })
  if (transposeA) return reshaped(filterGradient(a, b, pixels(rowsA, columnsA, columnsB)), columnsA, columnsB)
  if (transposeB) return reshaped(inputGradient(a, b, pixels(rowsA, rowsB, columnsB)), rowsA, rowsB)
  return reshaped(convolve(a, b, pixels(rowsA, columnsA, columnsB)), rowsA, columnsB)
}

function matrixShape({ shape }: Tensor): [rows: number, columns: number] {
  return shape.slice(-2) as [number, number]
}

/** A matrix is a row of pixels, and a product with another a convolution with windows of one pixel. */
function pixels(count: number, inChannels: number, outChannels: number): Conv2DInfo {
  const filter: [number, number, number, number] = [1, 1, inChannels, outChannels]
  return tf.backend_util.computeConv2DInfo([1, 1, count, inChannels], filter, 1, 1, 'valid')
}
