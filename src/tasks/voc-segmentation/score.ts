import { ConfusionMatrix } from '../../scores/index.ts'
import type { Scorer, Sketches } from '../task.ts'
import type { MaskTarget } from './input.ts'

export interface MaskPrediction {
  /** The class of each pixel of the mask. */
  readonly classes: Uint8Array
  /** Cross entropy summed over the logits that are not void, as training computes it. */
  readonly loss: { readonly sum: number; readonly pixels: number }
}

/** Mean IoU of all pixels (paper.md §4.9), their accuracy, and the loss. A metric that no pixel counts for is 0. */
export function createScorer(classes: number): Scorer<MaskTarget, MaskPrediction> {
  const matrix = new ConfusionMatrix(classes)
  const loss = { sum: 0, pixels: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((prediction, i) => {
        matrix.add((targets[i] as MaskTarget).classes, prediction.classes)
        loss.sum += prediction.loss.sum
        loss.pixels += prediction.loss.pixels
      })
    },
    result() {
      const { mean, pixelAccuracy } = matrix.result()
      return { mIOU: mean || 0, pixelAccuracy: pixelAccuracy || 0, loss: loss.sum / Math.max(1, loss.pixels) }
    },
  }
}

/** Ranked by the mean IoU of the picture's own classes; a mask that is all void is not ranked. */
export function sketchMask(
  prediction: MaskPrediction,
  { width, height, classes }: MaskTarget,
  count: number,
): Sketches {
  const matrix = new ConfusionMatrix(count)
  matrix.add(classes, prediction.classes)
  const { mean } = matrix.result()
  return {
    score: Number.isNaN(mean) ? undefined : mean,
    truth: { type: 'mask', width, height, classes },
    prediction: { type: 'mask', width, height, classes: prediction.classes },
  }
}
