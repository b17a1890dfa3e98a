import type { Scorer } from '../task.ts'

export interface CountTarget {
  readonly count: number
}

/** Mean absolute error, and mean squared error as the loss. */
export function createScorer(): Scorer<CountTarget, number> {
  const sums = { absolute: 0, squared: 0, images: 0 }
  return {
    add(predictions, targets) {
      targets.forEach(({ count }, i) => {
        const error = (predictions[i] as number) - count
        sums.absolute += Math.abs(error)
        sums.squared += error * error
        sums.images++
      })
    },
    result: () => ({ meanAbsoluteError: sums.absolute / sums.images, loss: sums.squared / sums.images }),
  }
}
