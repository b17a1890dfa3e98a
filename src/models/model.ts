/** What a classifier is to the rest: a list of variables, and a function from weights and images to logits. */

import type { VariableSpec } from '../support/variables.ts'
import type { Tensor1D, Tensor2D, Tensor4D } from '../tensor/tf.ts'
import type { Pass, Weights } from './layer.ts'

export type { Weights } from './layer.ts'

export interface ForwardResult {
  logits_BC: Tensor2D
  /** Batch mean and variance under the names of the moving ones; empty at evaluation or with a frozen backbone. */
  statistics: ReadonlyMap<string, Tensor1D>
}

export interface Model {
  readonly variables: readonly VariableSpec[]
  logits(images_BHWC: Tensor4D, pass: Pass): Tensor2D
  /** @param images_BHWC in [-1, 1]. Call inside tf.tidy, or dispose the result. */
  forward(weights: Weights, images_BHWC: Tensor4D, mode: { training: boolean }): ForwardResult
}
