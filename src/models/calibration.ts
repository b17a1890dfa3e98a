/** Measures moving statistics for weights that were never trained. */
import { unbiasedOverBiased } from '../tensor/batch-norm.ts'
import { type Tensor1D, type Tensor4D, tf } from '../tensor/tf.ts'
import { type BackboneOptions, buildBackbone } from './backbone.ts'
import { createPass, type RecordingPass, type Weights } from './layer.ts'

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
  let statistics: ReadonlyMap<string, Tensor1D> = new Map()
  tf.tidy(() => {
    backbone.apply(images_BHWC, pass)
    statistics = biasedStatistics(pass)
    for (const statistic of statistics.values()) tf.keep(statistic)
  })
  return statistics
}

/** Means and biased variances of a pass in training, with which frozen batch norm computes the same. */
export function biasedStatistics({ statistics, values }: RecordingPass): ReadonlyMap<string, Tensor1D> {
  const factor = (name: string) => {
    const count = values.get(name)
    return count === undefined ? 1 : unbiasedOverBiased(count)
  }
  return new Map([...statistics].map(([name, statistic]) => [name, tf.div(statistic, factor(name)) as Tensor1D]))
}
