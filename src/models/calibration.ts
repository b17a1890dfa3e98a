/** Measures moving statistics for weights that were never trained. */
import { type Tensor1D, type Tensor4D, tf } from '../tensor/tf.ts'
import { type BackboneOptions, buildBackbone } from './backbone.ts'
import { createPass, type Weights } from './layer.ts'

/**
 * Computes the statistics of every batch norm on `images_BHWC`; each layer gets its input from layers that use theirs.
 * Random weights have means 0 and variances 1. Frozen batch norm with these lets activations grow from layer to layer.
 */
export function calibrateBatchNorm(
  options: BackboneOptions,
  weights: Weights,
  images_BHWC: Tensor4D,
): ReadonlyMap<string, Tensor1D> {
  const { epsilon } = options.batchNorm
  const backbone = buildBackbone({ ...options, freeze: 'none', batchNorm: { mode: 'trained', epsilon } })
  const pass = createPass(weights, { training: true })
  tf.tidy(() => {
    backbone.apply(images_BHWC, pass)
    for (const statistic of pass.statistics.values()) tf.keep(statistic)
  })
  return pass.statistics
}
