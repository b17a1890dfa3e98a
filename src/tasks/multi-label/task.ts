import { logisticLoss } from '../losses.ts'
import { averagePrecision, logisticRowLoss, topK } from '../metrics.ts'
import type { Scorer, Task } from '../task.ts'

const RANKS = 100

/** Multi-label pre-training: logistic loss, mAP@100 (paper.md §1.9, §4.9, weights 1). */
export const multiLabelTask: Task = {
  loss: logisticLoss,
  scorer(): Scorer {
    const sums = { precision: 0, loss: 0, images: 0 }
    return {
      add(logits_BC, labels) {
        const classes = logits_BC.length / labels.length
        labels.forEach((ids, row) => {
          const logits_C = logits_BC.subarray(row * classes, (row + 1) * classes)
          sums.precision += averagePrecision(topK(logits_C, RANKS), ids)
          sums.loss += logisticRowLoss(logits_C, ids)
          sums.images++
        })
      },
      result: () => ({ 'mAP@100': sums.precision / sums.images, loss: sums.loss / sums.images }),
    }
  },
}
