/**
 * The gradients of dilated convolutions, which tfjs lacks, by convolutions of rearranged operands:
 *   dW[kh,kw,ci,co] = conv(xᵀ[ci,H,W,n], dyᵀ[oh,ow,n,co], stride = dilation), cut to kh × kw
 *   dX             = conv(dy padded, W flipped and in/out swapped, dilation)
 * Axes: n batch, H W pixels in, oh ow pixels out, ci co channels (paper.md §4.10). A dilated convolution has stride 1.
 */
import { type Tensor4D, tf } from './tf.ts'

type Conv2DInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>
type Shape4 = [number, number, number, number]

/** The attributes of the tfjs kernel Conv2D that determine the gradient. */
export interface Conv2DAttributes {
  readonly strides: [number, number] | number
  readonly dilations: [number, number] | number
  readonly pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]]
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
}

/** Functions, so that tfjs computes only the gradients it needs: images and frozen filters have none. */
export interface Conv2DGradients {
  readonly x: () => Tensor4D
  readonly filter: () => Tensor4D
}

export type Conv2DGradient = (
  dy: Tensor4D,
  x: Tensor4D,
  filter: Tensor4D,
  attributes: Conv2DAttributes,
) => Conv2DGradients

export const dilatedConv2DGradients: Conv2DGradient = (dy, x, filter, attributes) => {
  const info = conv2DInfo(x.shape, filter.shape, attributes)
  return { x: () => inputGradient(dy, filter, info), filter: () => filterGradient(x, dy, info) }
}

/** Shapes and padding of a convolution with these attributes. */
export function conv2DInfo(
  x: readonly number[],
  filter: readonly number[],
  { strides, dilations, pad, dimRoundingMode }: Conv2DAttributes,
): Conv2DInfo {
  const [input, kernel] = [[...x] as Shape4, [...filter] as Shape4]
  return tf.backend_util.computeConv2DInfo(
    input,
    kernel,
    strides,
    dilations,
    pad as 'same',
    dimRoundingMode,
    false,
    'channelsLast',
  )
}

function filterGradient(x: Tensor4D, dy: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { filterHeight: kh, filterWidth: kw, inChannels: ci, outChannels: co } = info
  const { top, bottom, left, right } = info.padInfo
  const images = tf.transpose(padPixels(x, [top, bottom], [left, right]), [3, 1, 2, 0])
  const filters = tf.transpose(dy, [1, 2, 0, 3])
  const { dilationHeight, dilationWidth } = info
  const all = tf.conv2d(images, filters as Tensor4D, [dilationHeight, dilationWidth], 'valid')
  return tf.transpose(cutTo(all, [ci, kh, kw, co]), [1, 2, 0, 3])
}

function inputGradient(dy: Tensor4D, filter: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { inHeight, inWidth, padInfo, dilationHeight, dilationWidth } = info
  const rows = info.effectiveFilterHeight - 1
  const columns = info.effectiveFilterWidth - 1
  const top = rows - padInfo.top
  const left = columns - padInfo.left
  const framed = frame(dy, [top, inHeight + rows - top], [left, inWidth + columns - left])
  return tf.conv2d(framed, flipFilter(filter), 1, 'valid', 'NHWC', [dilationHeight, dilationWidth])
}

/** Rotates a filter by 180° and swaps its in and out channels. */
function flipFilter(filter: Tensor4D): Tensor4D {
  return tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
}

/** Shifts by `before` and cuts or pads with zeros to `before + after` rows (columns); negative `before` cuts. */
function frame(x: Tensor4D, rows: readonly [number, number], columns: readonly [number, number]): Tensor4D {
  const [n, height, width, channels] = x.shape
  const vertical = frameAxis(height, rows)
  const horizontal = frameAxis(width, columns)
  const begin: Shape4 = [0, vertical.skip, horizontal.skip, 0]
  return padPixels(cutTo(x, [n, vertical.keep, horizontal.keep, channels], begin), vertical.pad, horizontal.pad)
}

function frameAxis(length: number, [before, after]: readonly [number, number]) {
  const skip = Math.max(0, -before)
  const room = before + after - Math.max(0, before)
  const keep = Math.min(length - skip, room)
  const pad: [number, number] = [Math.max(0, before), room - keep]
  return { skip, keep, pad }
}

/** Returns `x` itself if nothing is cut, because tf.slice copies its whole input twice on WASM. */
function cutTo(x: Tensor4D, size: Shape4, begin: Shape4 = [0, 0, 0, 0]): Tensor4D {
  return tf.util.arraysEqual(x.shape, size) ? x : tf.slice(x, begin, size)
}

/** Returns `x` itself if nothing is added. */
function padPixels(x: Tensor4D, rows: [number, number], columns: [number, number]): Tensor4D {
  const none = [...rows, ...columns].every((pixels) => pixels === 0)
  return none ? x : tf.pad(x, [[0, 0], rows, columns, [0, 0]])
}
