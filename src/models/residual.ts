/** The layers of a ResNet v1: its root and its bottleneck units (paper.md §4.5). */
import { operations } from '../tensor/operations.ts'
import { type Tensor4D, tf } from '../tensor/tf.ts'
import { EXPANSION, type Root, type UnitPlan } from './architectures.ts'
import { convolution, type LayerOptions } from './convolution.ts'
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

/** 1×1 down, 3×3 with the stride and the dilation, 1×1 up, each with batch norm; plus the shortcut. */
export function residualUnit(unit: UnitPlan, options: LayerOptions): Layer {
  const { name, inChannels, base, stride, dilation } = unit
  const outChannels = base * EXPANSION
  const conv = (part: string, kernel: number, from: number, to: number, step = {}) =>
    convolution(`${name}/${part}`, { kernel, inChannels: from, outChannels: to, ...step }, options)
  const projection = inChannels === outChannels ? undefined : conv('shortcut', 1, inChannels, outChannels, { stride })
  const conv1 = conv('conv1', 1, inChannels, base)
  const conv2 = conv('conv2', 3, base, base, { stride, dilation })
  const conv3 = conv('conv3', 1, base, outChannels)
  return {
    variables: [...(projection ? [projection] : []), conv1, conv2, conv3].flatMap(({ variables }) => variables),
    apply(x_BHWC, pass) {
      const shortcut = projection ? projection.apply(x_BHWC, pass) : subsample(x_BHWC, stride)
      const { relu, addRelu } = operations()
      const reduced = relu(conv1.apply(x_BHWC, pass))
      const middle = relu(conv2.apply(reduced, pass))
      return addRelu(shortcut, conv3.apply(middle, pass))
    },
  }
}

function subsample(x_BHWC: Tensor4D, stride: number): Tensor4D {
  return stride > 1 ? tf.maxPool(x_BHWC, 1, stride, 'same') : x_BHWC
}
