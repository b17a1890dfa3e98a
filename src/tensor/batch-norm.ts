/**
 * Batch norm over batch and pixels with a gradient of its own: tfjs composes it of a dozen broadcast operations and a
 * tile. Sums over pixels are matrix products with ones, which WASM does at full speed. C: channels, M = B·H·W.
 */
import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs'
import { tf } from './tf.ts'

export interface Normalised {
  y_BHWC: Tensor4D
  mean_C: Tensor1D
  variance_C: Tensor1D
}

/** Normalises with the batch's own mean and (biased) variance; no gradient flows into the two that are returned. */
export function batchNormTraining(x_BHWC: Tensor4D, gamma_C: Tensor1D, beta_C: Tensor1D, epsilon: number): Normalised {
  const { mean_C, variance_C } = tf.tidy(() => momentsOf(x_BHWC))
  const normalise = tf.customGrad((x, gamma, beta, save) => {
    ;(save as (tensors: Tensor[]) => void)([x as Tensor, gamma as Tensor])
    const value = tf.batchNorm(x as Tensor4D, mean_C, variance_C, beta as Tensor1D, gamma as Tensor1D, epsilon)
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [xSaved, gammaSaved] = saved as [Tensor4D, Tensor1D]
        return gradients(dy as Tensor4D, xSaved, gammaSaved, mean_C, variance_C, epsilon)
      },
    }
  })
  return { y_BHWC: normalise(x_BHWC, gamma_C, beta_C) as Tensor4D, mean_C, variance_C }
}

function momentsOf(x_BHWC: Tensor4D): { mean_C: Tensor1D; variance_C: Tensor1D } {
  const x_MC = flat(x_BHWC)
  const mean_C = meanOverPixels(x_MC)
  const centred_MC = tf.sub(x_MC, mean_C) as Tensor2D
  return { mean_C, variance_C: meanOverPixels(tf.mul(centred_MC, centred_MC)) }
}

/**
 * With h = (x - mean)·r, r = 1/√(var + ε):  dβ = Σdy, dγ = Σdy·h, dx = γr·(dy - dβ/M - h·dγ/M), which is a·dy + b·x + c
 * for three vectors a, b, c over channels.
 */
function gradients(
  dy_BHWC: Tensor4D,
  x_BHWC: Tensor4D,
  gamma_C: Tensor1D,
  mean_C: Tensor1D,
  variance_C: Tensor1D,
  epsilon: number,
): Tensor[] {
  const dy_MC = flat(dy_BHWC)
  const x_MC = flat(x_BHWC)
  const r_C = tf.rsqrt(tf.add(variance_C, epsilon)) as Tensor1D
  const meanDy_C = meanOverPixels(dy_MC)
  const meanDyX_C = meanOverPixels(tf.mul(dy_MC, x_MC))
  const meanDyH_C = tf.mul(r_C, tf.sub(meanDyX_C, tf.mul(mean_C, meanDy_C)))
  const a_C = tf.mul(gamma_C, r_C)
  const b_C = tf.neg(tf.mul(a_C, tf.mul(r_C, meanDyH_C)))
  const c_C = tf.neg(tf.add(tf.mul(a_C, meanDy_C), tf.mul(b_C, mean_C)))
  const dx_MC = tf.add(tf.mul(dy_MC, a_C), tf.add(tf.mul(x_MC, b_C), c_C))
  const pixels = dy_MC.shape[0]
  return [tf.reshape(dx_MC, x_BHWC.shape), tf.mul(meanDyH_C, pixels), tf.mul(meanDy_C, pixels)]
}

function flat(x_BHWC: Tensor4D): Tensor2D {
  return tf.reshape(x_BHWC, [-1, x_BHWC.shape[3]])
}

function meanOverPixels(x_MC: Tensor2D): Tensor1D {
  const [pixels, channels] = x_MC.shape
  const ones = tf.fill([1, pixels], 1 / pixels) as Tensor2D
  return tf.reshape(tf.matMul(ones, x_MC), [channels])
}
