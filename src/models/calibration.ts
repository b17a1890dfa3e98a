/** Moving statistics for weights that have none of their own. */
import { type Tensor1D, type Tensor4D, tf } from '../tensor/tf.ts'
import { type BackboneOptions, buildBackbone } from './backbone.ts'
import { createPass, type Weights } from './layer.ts'

/**
 * Measures the moving statistics of every batch norm on `images_BHWC`, each layer behind layers that use what was measured.
 * Random weights start with means 0 and variances 1: frozen like that, activations grow with the depth and nothing trains.
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
