/** Layers of a task's own part of the network: with bias, without batch norm, drawn at random for each job. */
import type { VariableSpec } from '../support/variables.ts'
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from '../tensor/tf.ts'
import type { Layer } from './layer.ts'

export interface BiasedShape {
  readonly inChannels: number
  readonly outChannels: number
  /** Of the weights when training starts. */
  readonly stddev: number
  /** What each bias starts at; 0 when absent. */
  readonly bias?: number
}

export function biasedConvolution(name: string, kernel: number, shape: BiasedShape): Layer {
  return {
    variables: biasedVariables(name, [kernel, kernel, shape.inChannels, shape.outChannels], shape),
    apply(x_BHWC, pass) {
      const convolved_BHWC = tf.conv2d(x_BHWC, pass.weight<Tensor4D>(`${name}/weights`), 1, 'same')
      return tf.add(convolved_BHWC, pass.weight<Tensor1D>(`${name}/bias`)) as Tensor4D
    },
  }
}

export function fullyConnected(name: string, shape: BiasedShape): Layer<Tensor2D, Tensor2D> {
  return {
    variables: biasedVariables(name, [shape.inChannels, shape.outChannels], shape),
    apply(x_BC, pass) {
      const product_BC = tf.matMul(x_BC, pass.weight<Tensor2D>(`${name}/weights`))
      return tf.add(product_BC, pass.weight<Tensor1D>(`${name}/bias`)) as Tensor2D
    },
  }
}

function biasedVariables(
  name: string,
  weights: readonly number[],
  { outChannels, stddev, bias = 0 }: BiasedShape,
): VariableSpec[] {
  const own = { kind: 'trainable', restored: false } as const
  const init = bias === 0 ? ({ type: 'zeros' } as const) : ({ type: 'constant', value: bias } as const)
  return [
    { name: `${name}/weights`, shape: weights, decay: true, init: { type: 'normal', stddev }, ...own },
    { name: `${name}/bias`, shape: [outChannels], decay: false, init, ...own },
  ]
}
