/** Losses with a gradient of their own, because those of tfjs take several times as many operations. */
import type { NamedTensorMap } from '@tensorflow/tfjs'
import { type Tensor, tf } from './tf.ts'

/** d²/2 where |d| < 1, else |d| - 1/2, of each element. */
export function smoothL1(d: Tensor): Tensor {
  const loss = tf.customGrad((x, save) => {
    const difference = x as Tensor
    ;(save as (tensors: Tensor[]) => void)([difference])
    const size = tf.abs(difference)
    const inner = tf.minimum(size, 1)
    const gradFunc = (dy: Tensor, saved: Tensor[] | NamedTensorMap) =>
      tf.mul(dy, tf.clipByValue((saved as Tensor[])[0] as Tensor, -1, 1))
    return { value: tf.mul(inner, tf.sub(size, tf.mul(inner, 0.5))), gradFunc }
  })
  return loss(d)
}
