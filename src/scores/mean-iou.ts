/** Mean intersection over union of semantic segmentation (paper.md §4.9), from one confusion matrix over all pixels. */
import { DownpourError } from '../support/errors.ts'

/** Pixels with this class in the truth count nowhere. */
export const VOID = 255

export interface MeanIou {
  /** Of the classes that occur, in [0, 1]; NaN if none does. */
  readonly mean: number
  /** NaN for a class that is neither in the truth nor predicted. */
  readonly byClass: Float64Array
  readonly pixelAccuracy: number
}

export class ConfusionMatrix {
  readonly #classes: number
  /** Row: class in the truth; column: predicted class. */
  readonly #counts: Float64Array

  constructor(classes: number) {
    this.#classes = classes
    this.#counts = new Float64Array(classes * classes)
  }

  /**
   * One class index a pixel. A prediction may be anything where the truth is void.
   * @throws DownpourError MASK_SIZE; MASK_CLASS with the index of the pixel: a class that does not exist, or a void prediction
   */
  add(truth: Uint8Array, predicted: Uint8Array): void {
    if (truth.length !== predicted.length) {
      throw new DownpourError('MASK_SIZE', `the prediction has ${predicted.length} pixels, the truth ${truth.length}`)
    }
    const classes = this.#classes
    for (let i = 0; i < truth.length; i++) {
      const [row, column] = [truth[i] as number, predicted[i] as number]
      if (row === VOID) continue
      if (row >= classes || column >= classes) throw this.#unknown(row >= classes ? row : column, i)
      const place = row * classes + column
      this.#counts[place] = (this.#counts[place] as number) + 1
    }
  }

  /** IoU of class c = n_cc / (Σ_j n_cj + Σ_j n_jc - n_cc). */
  result(): MeanIou {
    const classes = [...Array(this.#classes).keys()]
    const at = (row: number, column: number) => this.#counts[row * this.#classes + column] as number
    const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
    const byClass = Float64Array.from(classes, (c) => {
      const union = total(classes.map((j) => at(c, j) + at(j, c))) - at(c, c)
      return at(c, c) / union
    })
    const present = [...byClass].filter((value) => !Number.isNaN(value))
    const right = total(classes.map((c) => at(c, c)))
    return { mean: total(present) / present.length, byClass, pixelAccuracy: right / total([...this.#counts]) }
  }

  #unknown(value: number, pixel: number): DownpourError {
    const expected = `0 to ${this.#classes - 1}, or ${VOID} in the truth`
    return new DownpourError('MASK_CLASS', `class ${value} at pixel ${pixel}: expected ${expected}`, { value, pixel })
  }
}
