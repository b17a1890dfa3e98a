/** Networks consist of layers, which declare their variables. A pass gives a layer the values of these variables. */
import type { VariableSpec } from '../support/variables.ts'
import type { Tensor, Tensor1D, Tensor4D } from '../tensor/tf.ts'

/** Variable name → its value; shapes as in VariableSpec. */
export type Weights = ReadonlyMap<string, Tensor>

/** One run through a network. */
export interface Pass {
  readonly training: boolean
  /** @throws RangeError when the weights lack the variable */
  weight<W extends Tensor>(name: string): W
  /**
   * Records the mean or the unbiased variance of the batch under the name of the moving statistic that it updates.
   * @param values of which the batch has a variance, a channel
   */
  statistic(name: string, value: Tensor1D, values?: number): void
}

export interface Layer<In = Tensor4D, Out = Tensor4D> {
  readonly variables: readonly VariableSpec[]
  apply(x: In, pass: Pass): Out
}

export interface RecordingPass extends Pass {
  /** Empty at evaluation, and when every batch norm is frozen. */
  readonly statistics: ReadonlyMap<string, Tensor1D>
  /** Of how many values a channel each variance is. */
  readonly values: ReadonlyMap<string, number>
}

export function createPass(weights: Weights, { training }: { training: boolean }): RecordingPass {
  const statistics = new Map<string, Tensor1D>()
  const values = new Map<string, number>()
  return {
    training,
    statistics,
    values,
    weight<W extends Tensor>(name: string): W {
      const weight = weights.get(name)
      if (!weight) throw new RangeError(`weights lack ${name}`)
      return weight as W
    },
    statistic(name, value, count) {
      statistics.set(name, value)
      if (count !== undefined) values.set(name, count)
    },
  }
}
