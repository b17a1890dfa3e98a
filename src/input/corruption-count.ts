import { DownpourError } from '../support/errors.ts'

/** Counts damaged records and pictures. Above the limit the process ends with BAD_DATA, which is not retried. */
export class CorruptionCount {
  /** Distinct places, because each epoch reads the same damaged record again. At most limit + 1. */
  readonly #places = new Set<string>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Of the first damaged record. */
  get first(): string | undefined {
    return this.#places.values().next().value
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
      `${where}: ${reason}; this is damaged record ${this.count}, and spec.data.maxCorruptRecords is ${this.#limit}`,
      { where, reason, count: this.count },
    )
  }
}
