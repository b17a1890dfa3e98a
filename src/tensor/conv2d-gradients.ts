/**
 * Computes the gradient of a convolution by forward convolutions of rearranged operands:
 *   dW[kh,kw,ci,co] = conv(xᵀ[ci,H,W,n], dyᵀ[oh,ow,n,co], stride = dilation, dilation = stride), cut to kh × kw
 *   dX             = conv(dy with stride-1 zeros between its pixels, padded, W flipped and in/out swapped, dilation)
 * Axes: n batch, H W pixels in, oh ow pixels out, ci co channels (paper.md §4.10). tfjs cannot differentiate a dilated
 * convolution. Its WASM backend has no Conv2DBackpropFilter, so networks do not train on it, and its
 * Conv2DBackpropInput is a plain loop; forward convolutions run on XNNPACK.
 */
import { type Tensor2D, type Tensor4D, tf } from './tf.ts'

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

type FlipFilter = (filter: Tensor4D) => Tensor4D

/** @param flip rotates a filter by 180° and swaps its in and out channels */
export function composeConv2DGradients(flip: FlipFilter = flipFilter): Conv2DGradient {
  return (dy, x, filter, { strides, pad, dilations, dimRoundingMode }) => {
    const info = tf.backend_util.computeConv2DInfo(
      x.shape,
      filter.shape,
      strides,
      dilations,
      pad as 'same',
      dimRoundingMode,
      false,
      'channelsLast',
    )
    return { x: () => inputGradient(dy, filter, info, flip), filter: () => filterGradient(x, dy, info) }
  }
}

function flipFilter(filter: Tensor4D): Tensor4D {
  return tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
}

function filterGradient(x: Tensor4D, dy: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { filterHeight: kh, filterWidth: kw, strideHeight: sh, strideWidth: sw, inChannels: ci, outChannels: co } = info
  if (isPointwise(info)) return pointwiseFilterGradient(x, dy, info)
  const { top, bottom, left, right } = info.padInfo
  const padded = padPixels(x, [top, bottom], [left, right])
  const images = tf.transpose(padded, [3, 1, 2, 0])
  const filters = tf.transpose(dy, [1, 2, 0, 3])
  const { dilationHeight, dilationWidth } = info
  const all = tf.conv2d(images, filters as Tensor4D, [dilationHeight, dilationWidth], 'valid', 'NHWC', [sh, sw])
  return tf.transpose(cutTo(all, [ci, kh, kw, co]), [1, 2, 0, 3])
}

/** False for a padded 1×1 filter: the padding adds output pixels, which the matrix product would miss. */
function isPointwise({ filterHeight, filterWidth, padInfo: { top, bottom, left, right } }: Conv2DInfo): boolean {
  return filterHeight === 1 && filterWidth === 1 && top + bottom + left + right === 0
}

/** One matrix product over all pixels. Transposes first: matMul with transposeA takes 7 times as long on WASM. */
function pointwiseFilterGradient(x: Tensor4D, dy: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { strideHeight: sh, strideWidth: sw, inChannels: ci, outChannels: co } = info
  const seen = sh > 1 || sw > 1 ? subsample(x, sh, sw, info.outHeight, info.outWidth) : x
  const product = tf.matMul(tf.transpose(tf.reshape(seen, [-1, ci])) as Tensor2D, tf.reshape(dy, [-1, co]) as Tensor2D)
  return product.reshape([1, 1, ci, co])
}

/** Keeps every sh-th row and sw-th column. */
function subsample(x: Tensor4D, sh: number, sw: number, outHeight: number, outWidth: number): Tensor4D {
  const [n, height, width, channels] = x.shape
  const needHeight = outHeight * sh
  const needWidth = outWidth * sw
  const padded = padPixels(x, [0, Math.max(0, needHeight - height)], [0, Math.max(0, needWidth - width)])
  const cut = cutTo(padded, [n, needHeight, needWidth, channels])
  const rows = tf.slice(
    cut.reshape([n * outHeight, sh, needWidth, channels]),
    [0, 0, 0, 0],
    [n * outHeight, 1, needWidth, channels],
  )
  const split = rows.reshape([n * outHeight * outWidth, sw, channels])
  return tf.slice(split, [0, 0, 0], [n * outHeight * outWidth, 1, channels]).reshape([n, outHeight, outWidth, channels])
}

function inputGradient(dy: Tensor4D, filter: Tensor4D, info: Conv2DInfo, flip: FlipFilter): Tensor4D {
  const { inHeight, inWidth, inChannels, padInfo, dilationHeight, dilationWidth } = info
  if (isPointwise(info)) return pointwiseInputGradient(dy, filter, info)
  const spread = spreadPixels(dy, info.strideHeight, info.strideWidth)
  const rows = info.effectiveFilterHeight - 1
  const columns = info.effectiveFilterWidth - 1
  const top = rows - padInfo.top
  const left = columns - padInfo.left
  const framed = frame(spread, [top, inHeight + rows - top], [left, inWidth + columns - left])
  const dx = tf.conv2d(framed, flip(filter), 1, 'valid', 'NHWC', [dilationHeight, dilationWidth])
  return dx.reshape([dy.shape[0], inHeight, inWidth, inChannels])
}

function pointwiseInputGradient(dy: Tensor4D, filter: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { inHeight, inWidth, inChannels: ci, outChannels: co, outHeight, outWidth } = info
  const n = dy.shape[0]
  const product = tf.matMul(
    tf.reshape(dy, [-1, co]) as Tensor2D,
    tf.transpose(tf.reshape(filter, [ci, co])) as Tensor2D,
  )
  const small = tf.reshape(product, [n, outHeight, outWidth, ci]) as Tensor4D
  return frame(spreadPixels(small, info.strideHeight, info.strideWidth), [0, inHeight], [0, inWidth])
}

/** Inserts sh-1 rows and sw-1 columns of zeros after each pixel. */
function spreadPixels(x: Tensor4D, sh: number, sw: number): Tensor4D {
  if (sh === 1 && sw === 1) return x
  const [n, height, width, channels] = x.shape
  const wide = tf.pad(x.reshape([n * height, width, 1, channels]), [
    [0, 0],
    [0, 0],
    [0, sw - 1],
    [0, 0],
  ])
  const tall = tf.pad(wide.reshape([n, height, 1, width * sw * channels]), [
    [0, 0],
    [0, 0],
    [0, sh - 1],
    [0, 0],
  ])
  return tall.reshape([n, height * sh, width * sw, channels])
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
