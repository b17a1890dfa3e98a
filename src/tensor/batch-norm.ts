/**
 * Batch norm over batch and pixels, with its own gradient: the gradient in tfjs is a dozen broadcast operations and a
 * tile, and takes several times as long. B batch, H W pixels, C channels, M = B·H·W.
 */
import type { NamedTensorMap, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs'
import { tf } from './tf.ts'

export interface Normalised {
  y_BHWC: Tensor4D
  mean_C: Tensor1D
  /** Unbiased: the moving variances of TensorFlow's fused batch norm are averages of these. */
  variance_C: Tensor1D
}

/**
 * Normalises with the mean and the biased variance of the batch, and returns the mean and the unbiased variance. These
 * carry no gradient.
 */
export function batchNormTraining(x_BHWC: Tensor4D, gamma_C: Tensor1D, beta_C: Tensor1D, epsilon: number): Normalised {
  const { mean_C, variance_C } = tf.tidy(() => momentsOf(x_BHWC))
  const normalise = tf.customGrad((x, gamma, beta, save) => {
    ;(save as (tensors: Tensor[]) => void)([x as Tensor, gamma as Tensor, mean_C, variance_C])
    const value = tf.batchNorm(x as Tensor4D, mean_C, variance_C, beta as Tensor1D, gamma as Tensor1D, epsilon)
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [x_BHWC, gamma_C, ...moments] = saved as [Tensor4D, Tensor1D, Tensor1D, Tensor1D]
        return gradients(dy as Tensor4D, x_BHWC, gamma_C, ...moments, epsilon)
      },
    }
  })
  const unbiased_C = tf.mul(variance_C, unbiasedOverBiased(valuesAChannel(x_BHWC))) as Tensor1D
  return { y_BHWC: normalise(x_BHWC, gamma_C, beta_C) as Tensor4D, mean_C, variance_C: unbiased_C }
}

/** M. */
export function valuesAChannel({ size, shape }: Tensor4D): number {
  return size / shape[3]
}

/** M/(M - 1). The variance of a single value is 0 either way. */
export function unbiasedOverBiased(values: number): number {
  return values / Math.max(1, values - 1)
}

function momentsOf(x_BHWC: Tensor4D): { mean_C: Tensor1D; variance_C: Tensor1D } {
  const mean_C = meanOverPixels(x_BHWC)
  const centred_BHWC = tf.sub(x_BHWC, mean_C) as Tensor4D
  return { mean_C, variance_C: meanOverPixels(tf.mul(centred_BHWC, centred_BHWC)) }
}

/**
 * With h = (x - mean)·r, r = 1/√(var + ε):  dβ = Σdy, dγ = Σdy·h, dx = γr·(dy - dβ/M - h·dγ/M). The code
 * computes dx as a·dy + b·x + c, where a, b and c are vectors over channels.
 */
function gradients(
  dy_BHWC: Tensor4D,
  x_BHWC: Tensor4D,
  gamma_C: Tensor1D,
  mean_C: Tensor1D,
  variance_C: Tensor1D,
  epsilon: number,
): Tensor[] {
  const r_C = tf.rsqrt(tf.add(variance_C, epsilon)) as Tensor1D
  const meanDy_C = meanOverPixels(dy_BHWC)
  const meanDyX_C = meanOverPixels(tf.mul(dy_BHWC, x_BHWC))
  const meanDyH_C = tf.mul(r_C, tf.sub(meanDyX_C, tf.mul(mean_C, meanDy_C)))
  const a_C = tf.mul(gamma_C, r_C)
  const b_C = tf.neg(tf.mul(a_C, tf.mul(r_C, meanDyH_C)))
  const c_C = tf.neg(tf.add(tf.mul(a_C, meanDy_C), tf.mul(b_C, mean_C)))
  const dx_BHWC = tf.add(tf.mul(dy_BHWC, a_C), tf.add(tf.mul(x_BHWC, b_C), c_C))
  const values = valuesAChannel(x_BHWC)
  return [dx_BHWC, tf.mul(meanDyH_C, values), tf.mul(meanDy_C, values)]
}

/** Pools over the whole image first, because that is the fastest sum over pixels on WASM. */
function meanOverPixels(x_BHWC: Tensor4D): Tensor1D {
  const [, height, width] = x_BHWC.shape
  const pooled_B11C = height * width > 1 ? tf.avgPool(x_BHWC, [height, width], 1, 'valid') : x_BHWC
  return tf.mean(pooled_B11C, [0, 1, 2])
}
