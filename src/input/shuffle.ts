/** Shuffles a stream in a buffer that is refilled while it is emptied, because a decoded data set may not fit in memory. */
import type { Random } from '../support/random.ts'

export interface BufferLimits {
  readonly items: number
  /** A larger item is held alone. */
  readonly bytes: number
}

const LIMITS: BufferLimits = { items: 4096, bytes: 256 * 2 ** 20 }
/** The first item leaves when this share of the buffer is full, so that training does not wait for the whole of it. */
const START_SHARE = 1 / 32
/** Until the buffer is full, one of so many items stays: training gets nearly all that is decoded meanwhile. */
const GROW_EVERY = 8

/**
 * Items leave in windows. While those of one window leave in random order, one for each that is added, the added items gather
 * as the next window. So an item leaves after the buffer was emptied twice at the latest, which ends its lease soon.
 */
export class ShuffleBuffer<T> {
  readonly #random: Random
  readonly #bytesOf: (item: T) => number
  readonly #limits: BufferLimits
  #leaving: T[] = []
  #gathered: T[] = []
  #bytes = 0
  #added = 0
  #isStarted = false

  constructor(random: Random, bytesOf: (item: T) => number, limits: BufferLimits = LIMITS) {
    this.#random = random
    this.#bytesOf = bytesOf
    this.#limits = limits
  }

  get size(): number {
    return this.#leaving.length + this.#gathered.length
  }

  /**
   * @param mayGrow whether the buffer may hold more items than now
   * @returns the items that leave
   */
  *add(item: T, mayGrow = true): Generator<T> {
    const bytes = this.#bytesOf(item)
    const before = this.size
    while (this.size > 0 && !this.#hasRoom(bytes)) yield this.#take()
    const hasLeft = this.size < before
    this.#gathered.push(item)
    this.#bytes += bytes
    if (this.#isGrowing(mayGrow) || hasLeft) return
    yield this.#take()
  }

  /** All that is left. */
  *rest(): Generator<T> {
    while (this.size > 0) yield this.#take()
  }

  #hasRoom(bytes: number): boolean {
    return this.size < this.#limits.items && this.#bytes + bytes <= this.#limits.bytes
  }

  #isGrowing(mayGrow: boolean): boolean {
    const share = Math.max(this.size / this.#limits.items, this.#bytes / this.#limits.bytes)
    this.#isStarted ||= share >= START_SHARE || !mayGrow
    return !this.#isStarted || (mayGrow && ++this.#added % GROW_EVERY === 0)
  }

  #take(): T {
    if (this.#leaving.length === 0) {
      this.#leaving = permutation(this.#gathered.length, this.#random).map((i) => this.#gathered[i] as T)
      this.#gathered = []
    }
    const item = this.#leaving.pop() as T
    this.#bytes -= this.#bytesOf(item)
    return item
  }
}

/** Fisher-Yates. */
export function permutation(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[order[i], order[j]] = [order[j] as number, order[i] as number]
  }
  return order
}
