import type { ClassLabels } from '../../data/dataset.ts'
import { topK } from '../../scores/top-k.ts'
import { softmaxRowLoss } from '../row-losses.ts'
import type { Scorer } from '../task.ts'

const TOP = 5

/** Top-1, top-5 and the softmax loss of the images that have a class. */
export function createScorer(): Scorer<ClassLabels, Float32Array> {
  const sums = { top1: 0, top5: 0, loss: 0, images: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((logits_C, row) => {
        const [label] = (targets[row] as ClassLabels).labels
        if (label === undefined) return // an image without a class can be neither right nor wrong
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
