import { DownpourError } from '../support/errors.ts'

/** Counts gradients in a row with values that are not finite. */
export class NonFinite {
  readonly #limit: number
  #inRow = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  reset(): void {
    this.#inRow = 0
  }

  /** @throws DownpourError NON_FINITE */
  note(loss: number, gradients = 1): void {
    this.#inRow += gradients
    if (this.#inRow < this.#limit) return
    throw new DownpourError(
      'NON_FINITE',
      `${this.#inRow} gradients in a row held NaN or infinite values (loss ${loss}): lower the learning rate or check the data`,
    )
  }
}
