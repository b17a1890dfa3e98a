import type { ClassLabels } from '../../data/dataset.ts'
import { LabelScores } from '../../scores/label-scores.ts'
import type { LabelTree } from '../../scores/mean-average-precision.ts'
import { logisticRowLoss } from '../row-losses.ts'
import type { Scorer } from '../task.ts'

/**
 * mAP@100 (paper.md §1.9, §4.9) of all labels, of leaves among leaves, and with the popularity of each label in the set as its
 * weight; and the logistic loss. A metric that no image counts for is 0.
 */
export function createScorer(labels: LabelTree): Scorer<ClassLabels, Float32Array> {
  const scores = new LabelScores(labels)
  const sums = { loss: 0, images: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((logits_C, row) => {
        const { labels } = targets[row] as ClassLabels
        scores.addScores(logits_C, labels)
        sums.loss += logisticRowLoss(logits_C, labels)
        sums.images++
      })
    },
    result() {
      const defined = Object.entries(scores.result()).map(([name, value]) => [name, value || 0])
      return { ...Object.fromEntries(defined), loss: sums.loss / sums.images }
    },
  }
}
