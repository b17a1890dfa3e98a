/**
 * The last layer, in column slices: with 18,291 labels it is larger than the network, and slices spread it evenly over
 * the parameter servers (paper.md §1.5). C classes = Σ slices; F features.
 */

import { DownpourError } from '../support/errors.ts'
import type { VariableSpec } from '../support/variables.ts'
import type { Tensor1D, Tensor2D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'
import type { Pass } from './layer.ts'

const RARE_LABEL = 1e-4
const WEIGHT_STDDEV = 0.01

/** The remainder goes to the first slices: 18,291 over 50 is 41 × 366 and 9 × 365. @throws DownpourError CONFIG_INVALID */
export function sliceWidths(classes: number, slices: number): number[] {
  if (slices > classes) {
    throw new DownpourError('CONFIG_INVALID', `model.headSlices: ${slices}: expected at most ${classes}, the classes`)
  }
  const width = Math.floor(classes / slices)
  const remainder = classes % slices
  return Array.from({ length: slices }, (_, i) => width + (i < remainder ? 1 : 0))
}

export function headVariables(
  { classes, headSlices, loss }: { classes: number; headSlices: number; loss: 'logistic' | 'softmax' },
  features: number,
): VariableSpec[] {
  const bias = loss === 'logistic' ? logOdds(Math.max(RARE_LABEL, 1 / (classes + 1))) : 0
  return sliceWidths(classes, headSlices).flatMap((width, i) => [
    {
      name: `head/slice_${i}/weights`,
      shape: [features, width],
      kind: 'trainable',
      decay: true,
      init: { type: 'normal', stddev: WEIGHT_STDDEV },
      slice: true,
      head: true,
    },
    {
      name: `head/slice_${i}/bias`,
      shape: [width],
      kind: 'trainable',
      decay: false,
      init: bias === 0 ? { type: 'zeros' } : { type: 'constant', value: bias },
      head: true,
    },
  ])
}

/** A label is rare: starting at its odds keeps the first logistic loss from being huge (paper.md §4.1). */
function logOdds(probability: number): number {
  return Math.log(probability / (1 - probability))
}

export function applyHead(pass: Pass, features_BF: Tensor2D, slices: number): Tensor2D {
  const parts = Array.from({ length: slices }, (_, i) => {
    const product = tf.matMul(features_BF, pass.weight<Tensor2D>(`head/slice_${i}/weights`))
    return tf.add(product, pass.weight<Tensor1D>(`head/slice_${i}/bias`)) as Tensor2D
  })
  return parts.length === 1 ? (parts[0] as Tensor2D) : (tf.concat(parts, 1) as Tensor2D)
}
