import type { Scalar, Tensor2D } from '../tensor/tf.ts'

/** Gathers scores over batches. */
export interface Scorer {
  /** @param logits_BC row-major, B·C long; labels: a list of label ids an image */
  add(logits_BC: Float32Array, labels: readonly (readonly number[])[]): void
  /** Metric name → value; fractions in [0, 1]. */
  result(): Record<string, number>
}

/** What a job learns: its loss, and how it is scored. */
export interface Task {
  loss(logits_BC: Tensor2D, labels: readonly (readonly number[])[]): Scalar
  scorer(): Scorer
}
