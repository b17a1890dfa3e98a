/** The common part of tasks with class labels: one logit for each class, targets of 0 and 1, logits as predictions. */
import type { ClassLabels } from '../data/dataset.ts'
import type { LabelTree } from '../scores/mean-average-precision.ts'
import type { Scalar, Tensor2D } from '../tensor/tf.ts'
import type { Classifier } from './classifier.ts'
import type { Scorer, Task, Values } from './task.ts'

export interface LabelTaskOptions {
  classifier: Classifier
  encode(targets: readonly ClassLabels[]): Values
  loss(logits_BC: Tensor2D, targets_BC: Tensor2D): Scalar
  scorer(labels: LabelTree): Scorer<ClassLabels, Float32Array>
}

export function labelTask({ classifier, encode, loss, scorer }: LabelTaskOptions): Task<ClassLabels, Float32Array> {
  return {
    variables: classifier.variables,
    encode: (targets) => ({ targets_BC: encode(targets) }),
    objective(pass, images_BHWC, { targets_BC }) {
      return { loss: loss(classifier.logits(pass, images_BHWC), targets_BC as Tensor2D), parts: {} }
    },
    infer: (pass, images_BHWC) => ({ logits_BC: classifier.logits(pass, images_BHWC) }),
    decode: ({ logits_BC }) => rowsOf(logits_BC as Values),
    scorer,
  }
}

/** The logits of each image. */
function rowsOf({ shape, values }: Values): Float32Array[] {
  const [rows = 0, width = 0] = shape
  return Array.from({ length: rows }, (_, i) => values.subarray(i * width, (i + 1) * width) as Float32Array)
}
