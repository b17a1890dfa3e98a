/** What a model is to the rest: a list of variables, and a function from weights and images to logits. */

import type { VariableSpec } from '../support/variables.ts'
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '../tensor/tf.ts'

/** Variable name → its value; shapes as in VariableSpec. */
export type Weights = ReadonlyMap<string, Tensor>

export interface ForwardResult {
  logits_BC: Tensor2D
  /** Batch mean and variance under the names of the moving ones; empty at evaluation or with a frozen backbone. */
  statistics: Map<string, Tensor1D>
}

export interface Model {
  readonly variables: readonly VariableSpec[]
  /** @param images_BHWC in [-1, 1]. Call inside tf.tidy, or dispose what comes back. */
  forward(weights: Weights, images_BHWC: Tensor4D, mode: { training: boolean }): ForwardResult
}
