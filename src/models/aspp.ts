/**
 * The head of DeepLab-ASPP-L (paper.md §4.7): atrous spatial pyramid pooling. Parallel 3×3 convolutions with different
 * dilation rates look at the same features, and their scores are added. C classes.
 */
import type { VariableSpec } from '../support/variables.ts'
import { type Tensor1D, type Tensor4D, tf } from '../tensor/tf.ts'
import type { Layer } from './layer.ts'

const KERNEL = 3
const WEIGHT_STDDEV = 0.01

export interface AsppOptions {
  readonly channels: number
  readonly classes: number
  /** Dilation of each branch, in feature pixels. */
  readonly rates: readonly number[]
  /** The head starts from random weights, so it learns faster than the backbone (DeepLab: 10 and 20). */
  readonly weightsMultiplier: number
  readonly biasMultiplier: number
}

/** From a feature to the logits of each feature pixel. */
export function aspp(options: AsppOptions): Layer {
  const branches = options.rates.map((rate) => ({ rate, name: `aspp/rate_${rate}` }))
  return {
    variables: branches.flatMap(({ name }) => branchVariables(name, options)),
    apply(x_BHWF, pass) {
      const logits = branches.map(({ rate, name }) => {
        const filter = pass.weight<Tensor4D>(`${name}/weights`)
        const scores_BHWC = tf.conv2d(x_BHWF, filter, 1, 'same', 'NHWC', rate)
        return tf.add(scores_BHWC, pass.weight<Tensor1D>(`${name}/bias`)) as Tensor4D
      })
      return tf.addN(logits)
    },
  }
}

function branchVariables(name: string, options: AsppOptions): VariableSpec[] {
  const { channels, classes, weightsMultiplier, biasMultiplier } = options
  const own = { kind: 'trainable', restored: false } as const
  return [
    {
      name: `${name}/weights`,
      shape: [KERNEL, KERNEL, channels, classes],
      decay: true,
      init: { type: 'normal', stddev: WEIGHT_STDDEV },
      learningRateMultiplier: weightsMultiplier,
      ...own,
    },
    {
      name: `${name}/bias`,
      shape: [classes],
      decay: false,
      init: { type: 'zeros' },
      learningRateMultiplier: biasMultiplier,
      ...own,
    },
  ]
}
