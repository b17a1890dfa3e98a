import type { ClassLabels } from '../../data/dataset.ts'
import { type LabelTree, leavesOf, MeanAveragePrecision, RANKS } from '../../scores/mean-average-precision.ts'
import { topK } from '../../scores/top-k.ts'
import { logisticRowLoss } from '../row-losses.ts'
import type { Scorer } from '../task.ts'

/**
 * mAP@100 (paper.md §1.9, §4.9) of all labels, of leaves among leaves, and with the popularity of each label in the set as its
 * weight; and the logistic loss. A metric that no image counts for is 0.
 */
export function createScorer(labels: LabelTree): Scorer<ClassLabels, Float32Array> {
  const leaves = Int32Array.from(leavesOf(labels))
  const isLeaf = new Set(leaves)
  const all = new MeanAveragePrecision()
  const leavesAlone = new MeanAveragePrecision()
  const sums = { loss: 0, images: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((logits_C, row) => {
        const { labels } = targets[row] as ClassLabels
        all.add(topK(logits_C, RANKS), labels)
        const rankedLeaves = topK(
          Float32Array.from(leaves, (leaf) => logits_C[leaf] as number),
          RANKS,
        )
        leavesAlone.add(
          rankedLeaves.map((place) => leaves[place] as number),
          labels.filter((label) => isLeaf.has(label)),
        )
        sums.loss += logisticRowLoss(logits_C, labels)
        sums.images++
      })
    },
    result() {
      const popularity = all.popularity()
      return {
        'mAP@100': all.result() || 0,
        'leafMAP@100': leavesAlone.result() || 0,
        'weightedMAP@100': all.result((label) => popularity.get(label) ?? 0) || 0,
        loss: sums.loss / sums.images,
      }
    },
  }
}
