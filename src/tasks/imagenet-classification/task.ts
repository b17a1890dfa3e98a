import { softmaxLoss } from '../losses.ts'
import { softmaxRowLoss, topK } from '../metrics.ts'
import type { Scorer, Task } from '../task.ts'

const TOP = 5

/** One class an image: softmax cross entropy, top-1 and top-5. */
export const imagenetClassificationTask: Task = { loss: softmaxLoss, scorer: createScorer }

function createScorer(): Scorer {
  const sums = { top1: 0, top5: 0, loss: 0, images: 0 }
  return {
    add(logits_BC, labels) {
      const classes = logits_BC.length / labels.length
      labels.forEach(([label], row) => {
        if (label === undefined) return // nothing to be right or wrong about
        const logits_C = logits_BC.subarray(row * classes, (row + 1) * classes)
        const rank = topK(logits_C, TOP).indexOf(label)
        sums.top1 += rank === 0 ? 1 : 0
        sums.top5 += rank >= 0 ? 1 : 0
        sums.loss += softmaxRowLoss(logits_C, label)
        sums.images++
      })
    },
    result() {
      const images = Math.max(1, sums.images)
      return { top1: sums.top1 / images, top5: sums.top5 / images, loss: sums.loss / images }
    },
  }
}
