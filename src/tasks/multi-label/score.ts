import type { ClassLabels } from '../../data/dataset.ts'
import { averagePrecision, logisticRowLoss, topK } from '../label-scores.ts'
import type { Scorer } from '../task.ts'

const RANKS = 100

/** mAP@100 (paper.md §1.9, §4.9, weights 1) and the logistic loss. */
export function createScorer(): Scorer<ClassLabels, Float32Array> {
  const sums = { precision: 0, loss: 0, images: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((logits_C, row) => {
        const { labels } = targets[row] as ClassLabels
        sums.precision += averagePrecision(topK(logits_C, RANKS), labels)
        sums.loss += logisticRowLoss(logits_C, labels)
        sums.images++
      })
    },
    result: () => ({ 'mAP@100': sums.precision / sums.images, loss: sums.loss / sums.images }),
  }
}
