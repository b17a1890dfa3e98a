/** Losses of one image from its logits, over plain arrays: what scores report beside the metrics. */

/** Log loss of one row: Σ over labels of the logistic loss. */
export function logisticRowLoss(logits_C: Float32Array, labels: readonly number[]): number {
  const right = new Set(labels)
  return logits_C.reduce(
    (sum, z, c) => sum + Math.max(z, 0) - (right.has(c) ? z : 0) + Math.log1p(Math.exp(-Math.abs(z))),
    0,
  )
}

/** -log softmax of the right class. */
export function softmaxRowLoss(logits_C: Float32Array, label: number): number {
  const largest = logits_C.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const sum = logits_C.reduce((total, z) => total + Math.exp(z - largest), 0)
  return Math.log(sum) + largest - (logits_C[label] as number)
}
