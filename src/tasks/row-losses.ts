/** Scores of paper.md §4.9, over plain arrays. */

/**
 * Indices of the `k` largest values, largest first. Of equal values the lower index comes first; NaN is
 * below every number. One pass, in which one comparison with the smallest kept value rejects nearly all of 18,291 logits.
 */
export function topK(values: Float32Array, k: number): number[] {
  const kept: number[] = []
  const valueAt = (i: number) => rankable(values[i] as number)
  for (let i = 0; i < values.length; i++) {
    const value = rankable(values[i] as number)
    if (kept.length === k && !(value > valueAt(kept[k - 1] as number))) continue
    let place = kept.length
    while (place > 0 && value > valueAt(kept[place - 1] as number)) place--
    kept.splice(place, 0, i)
    if (kept.length > k) kept.pop()
  }
  return kept
}

function rankable(value: number): number {
  return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value
}

/**
 * AP@k of one image: Σ over the first k of 1[label is right]·P(k), divided by the number of right labels.
 * 0 for an image without labels.
 */
export function averagePrecision(ranked: readonly number[], labels: readonly number[]): number {
  const right = new Set(labels)
  let hits = 0
  let sum = 0
  ranked.forEach((label, i) => {
    if (!right.has(label)) return
    hits++
    sum += hits / (i + 1)
  })
  return right.size === 0 ? 0 : sum / right.size
}

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
