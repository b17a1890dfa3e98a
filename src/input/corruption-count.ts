import { DownpourError } from '../support/errors.ts'

/** Damaged records and pictures of one process. Past the limit the data is to blame, and the process ends. */
export class CorruptionCount {
  /** Places, not meetings: a record read again in the next epoch is the same damage. At most limit + 1. */
  readonly #places = new Set<string>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    return this.#places.size
  }

  /** @throws DownpourError BAD_DATA */
  add(where: string, reason: string): void {
    this.#places.add(where)
    if (this.count <= this.#limit) return
    throw new DownpourError(
      'BAD_DATA',
      `${where}: ${reason}; that is damaged record ${this.count}, and spec.data.maxCorruptRecords is ${this.#limit}`,
      { where, reason, count: this.count },
    )
  }
}
