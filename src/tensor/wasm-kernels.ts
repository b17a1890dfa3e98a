/**
 * Convolution gradients for the WASM backend. It lacks Conv2DBackpropFilter, so it cannot train at all, and its
 * Conv2DBackpropInput is a naive loop. Both are forward convolutions of rearranged operands, which run on XNNPACK:
 *   dW[kh,kw,ci,co] = conv(xᵀ[ci,H,W,n], dyᵀ[oh,ow,n,co], dilation = stride), cut to kh × kw
 *   dX             = conv(dy with stride-1 zeros between its pixels, padded, W flipped and in/out swapped)
 * Axes: n batch, H W pixels in, oh ow pixels out, ci co channels (paper.md §4.10).
 */
import type { Tensor2D, Tensor4D, TensorInfo } from '@tensorflow/tfjs'
import { tf } from './tf.ts'

type Conv2DInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>
type Shape4 = [number, number, number, number]

interface ConvAttributes {
  strides: [number, number] | number
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]]
  dimRoundingMode?: 'floor' | 'round' | 'ceil'
  filterShape?: Shape4
  inputShape?: Shape4
}
interface WasmBackend {
  incRef(dataId: object): void
}

let registered = false

/** Once a process; the WASM backend's package must be loaded before. */
export function registerWasmKernels(): void {
  if (registered) return
  registered = true
  tf.unregisterKernel('Conv2DBackpropInput', 'wasm')
  register('Conv2DBackpropInput', ({ dy, filter }, attributes) => {
    const inputShape = attributes.inputShape as Shape4
    return inputGradient(
      dy as Tensor4D,
      filter as Tensor4D,
      infoOf(inputShape, shapeOf(filter as Tensor4D), attributes),
    )
  })
  register('Conv2DBackpropFilter', ({ x, dy }, attributes) => {
    const filterShape = attributes.filterShape as Shape4
    return filterGradient(x as Tensor4D, dy as Tensor4D, infoOf(shapeOf(x as Tensor4D), filterShape, attributes))
  })
}

type Inputs = Record<string, Tensor4D>

function register(kernelName: string, compute: (inputs: Inputs, attributes: ConvAttributes) => Tensor4D): void {
  tf.registerKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) => {
      const wrapped = wrapInputs(inputs as unknown as Record<string, TensorInfo>, backend as unknown as WasmBackend)
      return tf.tidy(() => compute(wrapped(), attrs as unknown as ConvAttributes))
    },
  })
}

/** Inside a kernel inputs are bare data ids: a tensor of our own on the same data needs a reference of its own. */
function wrapInputs(inputs: Record<string, TensorInfo>, backend: WasmBackend): () => Inputs {
  return () =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, info]) => {
        backend.incRef(info.dataId)
        return [name, tf.engine().makeTensorFromTensorInfo(info) as Tensor4D]
      }),
    )
}

function infoOf(
  inputShape: Shape4,
  filterShape: Shape4,
  { strides, pad, dimRoundingMode }: ConvAttributes,
): Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    1,
    pad as 'same',
    dimRoundingMode,
    false,
    'channelsLast',
  )
}

function shapeOf(tensor: Tensor4D): Shape4 {
  return tensor.shape
}

function filterGradient(x: Tensor4D, dy: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { filterHeight: kh, filterWidth: kw, strideHeight: sh, strideWidth: sw, inChannels: ci, outChannels: co } = info
  if (isPointwise(info)) return pointwiseFilterGradient(x, dy, info)
  const { top, bottom, left, right } = info.padInfo
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ])
  const images = tf.transpose(padded, [3, 1, 2, 0])
  const filters = tf.transpose(dy, [1, 2, 0, 3])
  const all = tf.conv2d(images, filters as Tensor4D, 1, 'valid', 'NHWC', [sh, sw])
  return tf.transpose(tf.slice(all, [0, 0, 0, 0], [ci, kh, kw, co]), [1, 2, 0, 3])
}

/** Padding around a 1×1 filter makes pixels of nothing but zeros: rare, and left to the general way. */
function isPointwise({ filterHeight, filterWidth, padInfo: { top, bottom, left, right } }: Conv2DInfo): boolean {
  return filterHeight === 1 && filterWidth === 1 && top + bottom + left + right === 0
}

/** A 1×1 filter sees every pixel alone: one matrix product. The transposing form of matMul is 7 times slower here. */
function pointwiseFilterGradient(x: Tensor4D, dy: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { strideHeight: sh, strideWidth: sw, inChannels: ci, outChannels: co } = info
  const seen = sh > 1 || sw > 1 ? subsample(x, sh, sw, info.outHeight, info.outWidth) : x
  const product = tf.matMul(tf.transpose(tf.reshape(seen, [-1, ci])) as Tensor2D, tf.reshape(dy, [-1, co]) as Tensor2D)
  return product.reshape([1, 1, ci, co])
}

/** Every sh-th row and sw-th column. */
function subsample(x: Tensor4D, sh: number, sw: number, outHeight: number, outWidth: number): Tensor4D {
  const [n, height, width, channels] = x.shape
  const needHeight = outHeight * sh
  const needWidth = outWidth * sw
  const padded = tf.pad(x, [
    [0, 0],
    [0, Math.max(0, needHeight - height)],
    [0, Math.max(0, needWidth - width)],
    [0, 0],
  ])
  const cut = tf.slice(padded, [0, 0, 0, 0], [n, needHeight, needWidth, channels])
  const rows = tf.slice(
    cut.reshape([n * outHeight, sh, needWidth, channels]),
    [0, 0, 0, 0],
    [n * outHeight, 1, needWidth, channels],
  )
  const split = rows.reshape([n * outHeight * outWidth, sw, channels])
  return tf.slice(split, [0, 0, 0], [n * outHeight * outWidth, 1, channels]).reshape([n, outHeight, outWidth, channels])
}

function inputGradient(dy: Tensor4D, filter: Tensor4D, info: Conv2DInfo): Tensor4D {
  const { filterHeight: kh, filterWidth: kw, inHeight, inWidth, inChannels, padInfo } = info
  if (isPointwise(info)) return pointwiseInputGradient(dy, filter, info)
  const spread = spreadPixels(dy, info.strideHeight, info.strideWidth)
  const top = kh - 1 - padInfo.top
  const left = kw - 1 - padInfo.left
  const framed = frame(spread, [top, inHeight + kh - 1 - top], [left, inWidth + kw - 1 - left])
  const flipped = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2])
  return tf.conv2d(framed, flipped as Tensor4D, 1, 'valid').reshape([dy.shape[0], inHeight, inWidth, inChannels])
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

/** Puts sh-1 rows and sw-1 columns of zeros behind each pixel. */
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
  const cut = tf.slice(x, begin, [n, vertical.keep, horizontal.keep, channels])
  return tf.pad(cut, [[0, 0], vertical.pad, horizontal.pad, [0, 0]])
}

function frameAxis(length: number, [before, after]: readonly [number, number]) {
  const skip = Math.max(0, -before)
  const room = before + after - Math.max(0, before)
  const keep = Math.min(length - skip, room)
  const pad: [number, number] = [Math.max(0, before), room - keep]
  return { skip, keep, pad }
}
