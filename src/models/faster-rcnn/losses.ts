/** X: any axes that come before the classes or the four codes. The weights contain the divisors (paper.md §4.6). */
import { smoothL1 } from '../../tensor/losses.ts'
import { type Scalar, type Tensor, tf } from '../../tensor/tf.ts'

/** Of codes against objectness and classes. */
const BOX_WEIGHT = 2

export function classLoss(logits_XC: Tensor, target_XC: Tensor, weight_X: Tensor): Scalar {
  return tf.losses.softmaxCrossEntropy(target_XC, logits_XC, weight_X, 0, tf.Reduction.SUM) as Scalar
}

export function boxLoss(codes_X4: Tensor, target_X4: Tensor, weight_X: Tensor): Scalar {
  const losses_X4 = smoothL1(tf.sub(codes_X4, target_X4))
  return tf.mul(tf.sum(tf.mul(losses_X4, tf.expandDims(weight_X, -1))), BOX_WEIGHT) as Scalar
}
