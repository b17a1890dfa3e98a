import type { ClassLabels } from '../../data/dataset.ts'
import { TopAccuracy, topK } from '../../scores/top-k.ts'
import { softmaxRowLoss } from '../row-losses.ts'
import type { Scorer } from '../task.ts'

const TOP = 5

/** Top-1, top-5 and the softmax loss of the images that have a class; 0 without any. */
export function createScorer(): Scorer<ClassLabels, Float32Array> {
  const accuracy = new TopAccuracy()
  const sums = { loss: 0, images: 0 }
  return {
    add(predictions, targets) {
      predictions.forEach((logits_C, row) => {
        const [label] = (targets[row] as ClassLabels).labels
        if (label === undefined) return // an image without a class can be neither right nor wrong
        accuracy.add(topK(logits_C, TOP), label)
        sums.loss += softmaxRowLoss(logits_C, label)
        sums.images++
      })
    },
    result() {
      if (sums.images === 0) return { top1: 0, top5: 0, loss: 0 }
      return { ...accuracy.result(), loss: sums.loss / sums.images }
    },
  }
}
