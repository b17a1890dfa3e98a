/** Batch norm of the output of a convolution. C channels. */
import type { VariableSpec } from '../support/variables.ts'
import { valuesAChannel } from '../tensor/batch-norm.ts'
import { operations } from '../tensor/operations.ts'
import { type Tensor1D, type Tensor4D, tf } from '../tensor/tf.ts'
import type { Pass } from './layer.ts'

/** The ends of the names of its statistics. */
export const MOVING_MEAN = '/moving_mean'
export const MOVING_VARIANCE = '/moving_variance'

export interface BatchNormOptions {
  /**
   * trained: the batch's statistics in training, the moving ones at evaluation; gamma and beta are trained.
   * frozen: the moving statistics in both, and no variable changes. For batches too small to measure statistics.
   * calibrated: as frozen; the statistics are measured once, before training.
   */
  readonly mode?: 'trained' | 'frozen' | 'calibrated'
  readonly epsilon: number
}

/** @param frozen freezes gamma and beta, and the statistics unless they are calibrated */
export function batchNormVariables(
  name: string,
  channels: number,
  { frozen, mode }: { frozen: boolean; mode: BatchNormOptions['mode'] },
): VariableSpec[] {
  const vector = { shape: [channels], decay: false } as const
  const trainable = frozen ? 'frozen' : 'trainable'
  const statistic = frozen && mode !== 'calibrated' ? 'frozen' : 'statistic'
  return [
    { name: `${name}/gamma`, ...vector, kind: trainable, init: { type: 'ones' } },
    { name: `${name}/beta`, ...vector, kind: trainable, init: { type: 'zeros' } },
    { name: name + MOVING_MEAN, ...vector, kind: statistic, init: { type: 'zeros' } },
    { name: name + MOVING_VARIANCE, ...vector, kind: statistic, init: { type: 'ones' } },
  ]
}

/** Batch norm in mode trained. */
export function normalise(x_BHWC: Tensor4D, name: string, pass: Pass, epsilon: number): Tensor4D {
  const { gamma, beta, mean, variance } = namesOf(name)
  const gamma_C = pass.weight<Tensor1D>(gamma)
  const beta_C = pass.weight<Tensor1D>(beta)
  if (!pass.training) {
    return tf.batchNorm(x_BHWC, pass.weight<Tensor1D>(mean), pass.weight<Tensor1D>(variance), beta_C, gamma_C, epsilon)
  }
  const { y_BHWC, mean_C, variance_C } = operations().batchNormTraining(x_BHWC, gamma_C, beta_C, epsilon)
  pass.statistic(mean, mean_C)
  pass.statistic(variance, variance_C, valuesAChannel(x_BHWC))
  return y_BHWC
}

/** Batch norm in mode frozen is x·scale + shift: scale = γ/√(variance + ε), shift = β - mean·scale. */
export function foldBatchNorm(name: string, pass: Pass, epsilon: number): { scale_C: Tensor1D; shift_C: Tensor1D } {
  const { gamma, beta, mean, variance } = namesOf(name)
  const deviation_C = tf.sqrt(tf.add(pass.weight<Tensor1D>(variance), epsilon))
  const scale_C = tf.div(pass.weight<Tensor1D>(gamma), deviation_C) as Tensor1D
  const shift_C = tf.sub(pass.weight<Tensor1D>(beta), tf.mul(pass.weight<Tensor1D>(mean), scale_C)) as Tensor1D
  return { scale_C, shift_C }
}

function namesOf(name: string) {
  return {
    gamma: `${name}/gamma`,
    beta: `${name}/beta`,
    mean: name + MOVING_MEAN,
    variance: name + MOVING_VARIANCE,
  }
}

/** In mode calibrated a push repeats the statistics that the worker has: the parameter server keeps those of the first. */
export function repeatStatistics(name: string, pass: Pass): void {
  const { mean, variance } = namesOf(name)
  for (const statistic of [mean, variance]) pass.statistic(statistic, tf.clone(pass.weight<Tensor1D>(statistic)))
}
