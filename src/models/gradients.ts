import type { VariableSpec } from '../support/variables.ts'
import { type Scalar, type Tensor, type Tensor1D, tf } from '../tensor/tf.ts'
import { createPass, type Pass, type Weights } from './layer.ts'

/** The loss that training minimises, and the terms of its sum, for reports. */
export interface Objective {
  /** Data loss alone: the parameter server adds weight decay. */
  readonly loss: Scalar
  readonly parts: Readonly<Record<string, Scalar>>
}

export interface StepResult extends Objective {
  /** dL/dw of every trainable variable. */
  readonly gradients: ReadonlyMap<string, Tensor>
  /** Batch mean and variance of every batch norm. */
  readonly statistics: ReadonlyMap<string, Tensor1D>
}

/** Runs forward and backward. The caller disposes the result. */
export function valueAndGradients(
  variables: readonly VariableSpec[],
  weights: Weights,
  objective: (pass: Pass) => Objective,
): StepResult {
  const names = variables.filter(({ kind }) => kind === 'trainable').map(({ name }) => name)
  const trained = names.map((name) => weights.get(name) as Tensor)
  let kept: Pick<StepResult, 'parts' | 'statistics'> = { parts: {}, statistics: new Map() }
  const run = tf.valueAndGrads((...current: Tensor[]) => {
    const now = new Map([...weights, ...names.map((name, i) => [name, current[i] as Tensor] as const)])
    const pass = createPass(now, { training: true })
    const { loss, parts } = objective(pass)
    for (const tensor of [...Object.values(parts), ...pass.statistics.values()]) tf.keep(tensor)
    kept = { parts, statistics: pass.statistics }
    return loss
  })
  const { value, grads } = run(trained)
  return { loss: value as Scalar, gradients: new Map(names.map((name, i) => [name, grads[i] as Tensor])), ...kept }
}

export function disposeStep({ loss, parts, gradients, statistics }: StepResult): void {
  tf.dispose([loss, ...Object.values(parts), ...gradients.values(), ...statistics.values()])
}
