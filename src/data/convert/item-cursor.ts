/** Reads the items of a data set from any of them on. */
import type { Dataset, Item } from '../dataset.ts'

/** Items of each unit, by reading all where the data set does not know it. */
export async function countItems(dataset: Dataset<unknown>, signal?: AbortSignal): Promise<readonly number[]> {
  if (dataset.itemCounts) return dataset.itemCounts
  const counts: number[] = []
  for (const unit of dataset.units.keys()) {
    let count = 0
    for await (const _ of dataset.read(unit)) {
      signal?.throwIfAborted()
      count++
    }
    counts.push(count)
  }
  return counts
}

export class ItemCursor<A> {
  readonly #dataset: Dataset<A>
  readonly #counts: readonly number[]
  #position = 0
  #unit = 0
  #items: AsyncGenerator<Item<A>> | undefined

  constructor(dataset: Dataset<A>, counts: readonly number[]) {
    this.#dataset = dataset
    this.#counts = counts
  }

  /** Items from `start` to before `end`. Goes on where it stopped, so that consecutive ranges read nothing twice. */
  async *range(start: number, end: number): AsyncGenerator<Item<A>> {
    if (start !== this.#position) await this.#seek(start)
    while (this.#position < end) {
      const item = await this.#next()
      if (!item) return
      this.#position++
      yield item
    }
  }

  async close(): Promise<void> {
    await this.#items?.return(undefined)
    this.#items = undefined
  }

  /** Whole units before `start` are not read. */
  async #seek(start: number): Promise<void> {
    await this.close()
    let rest = start
    this.#unit = 0
    while (this.#unit < this.#counts.length && rest >= (this.#counts[this.#unit] as number)) {
      rest -= this.#counts[this.#unit++] as number
    }
    for (; rest > 0; rest--) await this.#next()
    this.#position = start
  }

  async #next(): Promise<Item<A> | undefined> {
    while (this.#unit < this.#dataset.units.length) {
      this.#items ??= this.#dataset.read(this.#unit)
      const { value, done } = await this.#items.next()
      if (!done) return value
      this.#items = undefined
      this.#unit++
    }
    return undefined
  }
}
