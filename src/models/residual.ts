/** The layers of a ResNet v1: its root and its units (paper.md §4.5). */
import { operations } from '../tensor/operations.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import type { Root, UnitPlan } from './architectures.ts'
import { type ConvolutionShape, convolution, type LayerOptions } from './convolution.ts'
import type { Layer } from './layer.ts'

/** Padding of the root's max-pool: 'same' in TF-slim, one pixel on every side in torchvision. */
export type RootPadding = 'same' | 'symmetric'

export function rootLayer(root: Root, padding: RootPadding, options: LayerOptions): Layer {
  const { kernel, stride, channels, pool } = root
  const conv = convolution('root', { kernel, inChannels: 3, outChannels: channels, stride }, options)
  return {
    variables: conv.variables,
    apply(x_BHWC, pass) {
      const y_BHWC = operations().relu(conv.apply(x_BHWC, pass))
      if (!pool) return y_BHWC
      return padding === 'same' ? tf.maxPool(y_BHWC, 3, 2, 'same') : symmetricPool(y_BHWC)
    },
  }
}

/** Pads explicitly, because the kernels of TensorFlow take no padding in pixels. No window has padding alone. */
function symmetricPool(x_BHWC: Tensor4D): Tensor4D {
  const sides: [number, number] = [1, 1]
  return tf.maxPool(tf.pad(x_BHWC, [[0, 0], sides, sides, [0, 0]], Number.NEGATIVE_INFINITY), 3, 2, 'valid')
}

/** Convolutions with batch norm, plus the shortcut. ReLU follows each convolution, and for the last one the sum. */
export function residualUnit(unit: UnitPlan, options: LayerOptions): Layer {
  const { name, inChannels, outChannels, stride } = unit
  const layerOf = (part: string, shape: ConvolutionShape) => convolution(`${name}/${part}`, shape, options)
  const isProjected = inChannels !== outChannels
  const projection = isProjected ? layerOf('shortcut', { kernel: 1, inChannels, outChannels, stride }) : undefined
  const convolutions = shapesOf(unit).map((shape, i) => layerOf(`conv${i + 1}`, shape))
  return {
    variables: [...(projection ? [projection] : []), ...convolutions].flatMap(({ variables }) => variables),
    apply(x_BHWC, pass) {
      const { relu, addRelu } = operations()
      const shortcut = projection ? projection.apply(x_BHWC, pass) : subsample(x_BHWC, stride)
      return convolutions.reduce((x, layer, i) => {
        const y = layer.apply(x, pass)
        return i < convolutions.length - 1 ? relu(y) : addRelu(shortcut, y)
      }, x_BHWC)
    },
  }
}

/** The first 3×3 has the stride. */
function shapesOf({
  kind,
  inChannels,
  base,
  outChannels,
  stride,
  dilation,
  nextDilation,
}: UnitPlan): ConvolutionShape[] {
  if (kind === 'basic') {
    return [
      { kernel: 3, inChannels, outChannels: base, stride, dilation },
      { kernel: 3, inChannels: base, outChannels, dilation: nextDilation },
    ]
  }
  return [
    { kernel: 1, inChannels, outChannels: base },
    { kernel: 3, inChannels: base, outChannels: base, stride, dilation },
    { kernel: 1, inChannels: base, outChannels },
  ]
}

function subsample(x_BHWC: Tensor4D, stride: number): Tensor4D {
  return stride > 1 ? tf.maxPool(x_BHWC, 1, stride, 'same') : x_BHWC
}
