/** Losses over logits and dense targets. B batch, C classes; z logits, t ∈ {0, 1} targets. */
import { DownpourError } from '../support/errors.ts'
import { operations } from '../tensor/operations.ts'
import type { NamedTensorMap, Scalar, Tensor, Tensor2D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'
import type { Values } from './task.ts'

/**
 * One logistic loss a label, every absent label a negative: **sum over labels, mean over batch** (paper.md §4.1).
 * max(z, 0) - z·t + log(1 + e^-|z|), with dL/dz = (σ(z) - t) / B in closed form.
 */
export function logisticLoss(logits_BC: Tensor2D, targets_BC: Tensor2D): Scalar {
  const perLabel = (z_BC: Tensor2D, t_BC: Tensor2D) =>
    tf.add(tf.sub(tf.relu(z_BC), tf.mul(z_BC, t_BC)), tf.log1p(tf.exp(tf.neg(tf.abs(z_BC)))))
  return batchLoss(logits_BC, targets_BC, perLabel, (z_BC) => tf.sigmoid(z_BC))
}

/** Softmax cross entropy, mean over batch; dL/dz = (softmax(z) - t) / B, 0 for an image whose targets are all 0. */
export function softmaxLoss(logits_BC: Tensor2D, targets_BC: Tensor2D): Scalar {
  const perLabel = (z_BC: Tensor2D, t_BC: Tensor2D) => tf.neg(tf.mul(tf.logSoftmax(z_BC), t_BC))
  const predict = (z_BC: Tensor2D, t_BC: Tensor2D) =>
    tf.mul(operations().softmax(z_BC), tf.sum(t_BC, 1, true)) as Tensor2D
  return batchLoss(logits_BC, targets_BC, perLabel, predict)
}

/** Both losses have the gradient (prediction - target) / B. */
function batchLoss(
  logits_BC: Tensor2D,
  targets_BC: Tensor2D,
  perLabel: (z_BC: Tensor2D, t_BC: Tensor2D) => Tensor,
  predict: (z_BC: Tensor2D, t_BC: Tensor2D) => Tensor2D,
): Scalar {
  const [batch] = targets_BC.shape
  const loss = tf.customGrad((z, save) => {
    const z_BC = z as Tensor2D
    ;(save as (tensors: Tensor[]) => void)([z_BC])
    return {
      value: tf.div(tf.sum(perLabel(z_BC, targets_BC)), batch),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [zSaved] = saved as [Tensor2D]
        return tf.mul(dy, tf.div(tf.sub(predict(zSaved, targets_BC), targets_BC), batch))
      },
    }
  })
  return loss(logits_BC) as Scalar
}

/** t of each image. @throws DownpourError LABEL_UNKNOWN: a label past the last class would land in the next row */
export function denseTargets(labels: readonly (readonly number[])[], classes: number): Values {
  const values = new Float32Array(labels.length * classes)
  labels.forEach((ids, row) => {
    for (const id of ids) {
      if (id >= classes) throw new DownpourError('LABEL_UNKNOWN', `label ${id}: the model has ${classes} classes`)
      values[row * classes + id] = 1
    }
  })
  return { shape: [labels.length, classes], values }
}
