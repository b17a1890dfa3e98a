import type { Scalar, Tensor2D } from '../tensor/tf.ts'
import { tf } from '../tensor/tf.ts'

type Labels = readonly (readonly number[])[]

/**
 * One logistic loss a label, every absent label a negative: **sum over labels, mean over batch** (paper.md §4.1).
 * max(z, 0) - z·t + log(1 + e^-|z|), with dL/dz = (σ(z) - t) / B given outright.
 */
export function logisticLoss(logits_BC: Tensor2D, labels: Labels): Scalar {
  const targets_BC = denseTargets(labels, logits_BC.shape[1])
  const loss = tf.customGrad((z) => {
    const logits = z as Tensor2D
    const perLabel = tf.add(
      tf.sub(tf.relu(logits), tf.mul(logits, targets_BC)),
      tf.log1p(tf.exp(tf.neg(tf.abs(logits)))),
    )
    const value = tf.div(tf.sum(perLabel), labels.length) as Scalar
    const gradFunc = (dy: Scalar) => tf.mul(dy, tf.div(tf.sub(tf.sigmoid(logits), targets_BC), labels.length))
    return { value, gradFunc }
  })
  return loss(logits_BC) as Scalar
}

/** Softmax cross entropy against the first label, mean over batch; dL/dz = (softmax(z) - t) / B. */
export function softmaxLoss(logits_BC: Tensor2D, labels: Labels): Scalar {
  const targets_BC = denseTargets(
    labels.map((ids) => ids.slice(0, 1)),
    logits_BC.shape[1],
  )
  const loss = tf.customGrad((z) => {
    const logProbabilities = tf.logSoftmax(z as Tensor2D)
    const value = tf.div(tf.neg(tf.sum(tf.mul(logProbabilities, targets_BC))), labels.length) as Scalar
    const gradFunc = (dy: Scalar) => tf.mul(dy, tf.div(tf.sub(tf.exp(logProbabilities), targets_BC), labels.length))
    return { value, gradFunc }
  })
  return loss(logits_BC) as Scalar
}

/** t ∈ {0, 1}^{B×C}. */
function denseTargets(labels: Labels, classes: number): Tensor2D {
  const targets = new Float32Array(labels.length * classes)
  labels.forEach((ids, row) => {
    for (const id of ids) targets[row * classes + id] = 1
  })
  return tf.tensor2d(targets, [labels.length, classes])
}
