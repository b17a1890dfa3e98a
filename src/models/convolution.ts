/** One layer of a convolution without bias and the batch norm after it. */
import type { VariableSpec } from '../support/variables.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import { type BatchNormOptions, batchNormVariables, foldBatchNorm, normalise, repeatStatistics } from './batch-norm.ts'
import type { Layer } from './layer.ts'

export interface ConvolutionShape {
  readonly kernel: number
  readonly inChannels: number
  readonly outChannels: number
  readonly stride?: number
  /** Distance between the pixels under a filter; needs stride 1. */
  readonly dilation?: number
}

export interface LayerOptions {
  /** Freezes all variables, including those of the batch norm. */
  readonly frozen: boolean
  readonly batchNorm: BatchNormOptions
}

export function convolution(name: string, shape: ConvolutionShape, { frozen, batchNorm }: LayerOptions): Layer {
  const { mode = 'trained', epsilon } = batchNorm
  const normIsFrozen = frozen || mode !== 'trained'
  return {
    variables: [
      filterVariable(name, shape, frozen),
      ...batchNormVariables(name, shape.outChannels, { frozen: normIsFrozen, mode }),
    ],
    apply(x_BHWC, pass) {
      const filter = pass.weight<Tensor4D>(`${name}/weights`)
      if (!normIsFrozen) return normalise(convolve(x_BHWC, filter, shape), name, pass, epsilon)
      if (pass.training && mode === 'calibrated') repeatStatistics(name, pass)
      const { scale_C, shift_C } = foldBatchNorm(name, pass, epsilon)
      const scaled_BHWC = isFilterSmaller(x_BHWC, shape)
        ? convolve(x_BHWC, tf.mul(filter, scale_C) as Tensor4D, shape)
        : tf.mul(convolve(x_BHWC, filter, shape), scale_C)
      return tf.add(scaled_BHWC, shift_C) as Tensor4D
    },
  }
}

/** Whether the filter has fewer values than the output. Scaling either gives the same result; the smaller is faster. */
function isFilterSmaller(x_BHWC: Tensor4D, { kernel, inChannels, stride = 1 }: ConvolutionShape): boolean {
  const [batch, height, width] = x_BHWC.shape
  return kernel * kernel * inChannels < (batch * height * width) / (stride * stride)
}

/** He initialisation: stddev √(2 / fan-in). */
function filterVariable(name: string, shape: ConvolutionShape, frozen: boolean): VariableSpec {
  const { kernel, inChannels, outChannels } = shape
  return {
    name: `${name}/weights`,
    shape: [kernel, kernel, inChannels, outChannels],
    kind: frozen ? 'frozen' : 'trainable',
    decay: true,
    init: { type: 'normal', stddev: Math.sqrt(2 / (kernel * kernel * inChannels)) },
  }
}

function convolve(x_BHWC: Tensor4D, filter: Tensor4D, shape: ConvolutionShape): Tensor4D {
  const { kernel, stride = 1, dilation = 1 } = shape
  if (stride > 1 && kernel > 1) return paddedConvolution(x_BHWC, filter, kernel, stride)
  return tf.conv2d(x_BHWC, filter, stride, 'same', 'NHWC', dilation)
}

/** Pads explicitly: 'same' would pad a strided convolution by an amount that depends on the image size. */
function paddedConvolution(x_BHWC: Tensor4D, filter: Tensor4D, kernel: number, stride: number): Tensor4D {
  const before = Math.floor((kernel - 1) / 2)
  const pad: [number, number] = [before, kernel - 1 - before]
  return tf.conv2d(tf.pad(x_BHWC, [[0, 0], pad, pad, [0, 0]]), filter, stride, 'valid')
}
