/** B batch, C classes; z logits, t targets. */
import { DownpourError } from '../support/errors.ts'
import type { NamedTensorMap, Scalar, Tensor, Tensor2D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'

type Labels = readonly (readonly number[])[]

/**
 * One logistic loss a label, every absent label a negative: **sum over labels, mean over batch** (paper.md §4.1).
 * max(z, 0) - z·t + log(1 + e^-|z|), with dL/dz = (σ(z) - t) / B given outright.
 */
export function logisticLoss(logits_BC: Tensor2D, labels: Labels): Scalar {
  const perLabel = (z_BC: Tensor2D, t_BC: Tensor2D) =>
    tf.add(tf.sub(tf.relu(z_BC), tf.mul(z_BC, t_BC)), tf.log1p(tf.exp(tf.neg(tf.abs(z_BC)))))
  return batchLoss(logits_BC, labels, perLabel, (z_BC) => tf.sigmoid(z_BC))
}

/** Softmax cross entropy against the first label, mean over batch; dL/dz = (softmax(z) - t) / B, 0 for an image without labels. */
export function softmaxLoss(logits_BC: Tensor2D, labels: Labels): Scalar {
  const first = labels.map((ids) => ids.slice(0, 1))
  const perLabel = (z_BC: Tensor2D, t_BC: Tensor2D) => tf.neg(tf.mul(tf.logSoftmax(z_BC), t_BC))
  const predict = (z_BC: Tensor2D, t_BC: Tensor2D) => tf.mul(tf.softmax(z_BC), tf.sum(t_BC, 1, true)) as Tensor2D
  return batchLoss(logits_BC, first, perLabel, predict)
}

/** Both losses have the gradient (prediction - target) / B. */
function batchLoss(
  logits_BC: Tensor2D,
  labels: Labels,
  perLabel: (z_BC: Tensor2D, t_BC: Tensor2D) => Tensor,
  predict: (z_BC: Tensor2D, t_BC: Tensor2D) => Tensor2D,
): Scalar {
  const batch = labels.length
  const loss = tf.customGrad((z, save) => {
    const targets_BC = denseTargets(labels, logits_BC.shape[1])
    const z_BC = z as Tensor2D
    ;(save as (tensors: Tensor[]) => void)([z_BC, targets_BC])
    return {
      value: tf.div(tf.sum(perLabel(z_BC, targets_BC)), batch),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [zSaved, targets] = saved as [Tensor2D, Tensor2D]
        return tf.mul(dy, tf.div(tf.sub(predict(zSaved, targets), targets), batch))
      },
    }
  })
  return loss(logits_BC) as Scalar
}

/** t ∈ {0, 1}^{B×C}. @throws DownpourError LABEL_UNKNOWN: a label past the last class would land in the next row */
function denseTargets(labels: Labels, classes: number): Tensor2D {
  const targets = new Float32Array(labels.length * classes)
  labels.forEach((ids, row) => {
    for (const id of ids) {
      if (id >= classes) throw new DownpourError('LABEL_UNKNOWN', `label ${id}: the model has ${classes} classes`)
      targets[row * classes + id] = 1
    }
  })
  return tf.tensor2d(targets, [labels.length, classes])
}
