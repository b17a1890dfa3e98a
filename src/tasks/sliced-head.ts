/**
 * The last layer, in column slices as the paper has it (paper.md §1.5). With 18,291 labels it is larger than the network.
 * Balance does not need slices, because any variable may be in parts (src/wire/balance.ts), but the names in checkpoints
 * do. C classes = Σ slices; F features.
 */
import type { Layer } from '../models/layer.ts'
import { DownpourError } from '../support/errors.ts'
import type { VariableSpec } from '../support/variables.ts'
import type { Tensor1D, Tensor2D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'

const WEIGHT_STDDEV = 0.01

export interface HeadOptions {
  readonly classes: number
  readonly headSlices: number
  /** What each bias starts at; 0 when absent. */
  readonly bias?: number
}

/** The remainder goes to the first slices: 18,291 over 50 is 41 × 366 and 9 × 365. @throws DownpourError CONFIG_INVALID */
export function sliceWidths(classes: number, slices: number): number[] {
  if (slices > classes) {
    throw new DownpourError('CONFIG_INVALID', `headSlices: ${slices}: expected at most ${classes}, the classes`)
  }
  const width = Math.floor(classes / slices)
  const remainder = classes % slices
  return Array.from({ length: slices }, (_, i) => width + (i < remainder ? 1 : 0))
}

/** From features to logits. @throws DownpourError CONFIG_INVALID */
export function slicedHead(
  { classes, headSlices, bias = 0 }: HeadOptions,
  features: number,
): Layer<Tensor2D, Tensor2D> {
  return {
    variables: sliceWidths(classes, headSlices).flatMap((width, i) => sliceVariables(i, features, width, bias)),
    apply(features_BF, pass) {
      const parts = Array.from({ length: headSlices }, (_, i) => {
        const product = tf.matMul(features_BF, pass.weight<Tensor2D>(`head/slice_${i}/weights`))
        return tf.add(product, pass.weight<Tensor1D>(`head/slice_${i}/bias`)) as Tensor2D
      })
      return parts.length === 1 ? (parts[0] as Tensor2D) : (tf.concat(parts, 1) as Tensor2D)
    },
  }
}

function sliceVariables(slice: number, features: number, width: number, bias: number): VariableSpec[] {
  return [
    {
      name: `head/slice_${slice}/weights`,
      shape: [features, width],
      kind: 'trainable',
      decay: true,
      init: { type: 'normal', stddev: WEIGHT_STDDEV },
      slice: true,
      restored: false,
    },
    {
      name: `head/slice_${slice}/bias`,
      shape: [width],
      kind: 'trainable',
      decay: false,
      init: bias === 0 ? { type: 'zeros' } : { type: 'constant', value: bias },
      restored: false,
    },
  ]
}
