import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'
import type { Model, Weights } from './model.ts'

export interface StepResult {
  /** Data loss alone: weight decay is the parameter server's. */
  loss: Scalar
  /** dL/dw of every trainable variable. */
  gradients: Map<string, Tensor>
  /** Batch mean and variance of every batch norm. */
  statistics: Map<string, Tensor1D>
}

/** Forward and backward. The caller disposes everything in the result. */
export function valueAndGradients(
  model: Model,
  weights: Weights,
  images_BHWC: Tensor4D,
  lossOf: (logits_BC: Tensor2D) => Scalar,
): StepResult {
  const names = model.variables.filter(({ kind }) => kind === 'trainable').map(({ name }) => name)
  const trained = names.map((name) => weights.get(name) as Tensor)
  let statistics = new Map<string, Tensor1D>()
  const run = tf.valueAndGrads((...current: Tensor[]) => {
    const now = new Map([...weights, ...names.map((name, i) => [name, current[i] as Tensor] as const)])
    const result = model.forward(now, images_BHWC, { training: true })
    statistics = new Map([...result.statistics].map(([name, tensor]) => [name, tf.keep(tensor)]))
    return lossOf(result.logits_BC)
  })
  const { value, grads } = run(trained)
  return { loss: value as Scalar, gradients: new Map(names.map((name, i) => [name, grads[i] as Tensor])), statistics }
}

export function disposeStep({ loss, gradients, statistics }: StepResult): void {
  tf.dispose([loss, ...gradients.values(), ...statistics.values()])
}
