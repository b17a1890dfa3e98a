/**
 * Draws a sample of ids that depends on seed and ids alone, not on their order: the ids with the smallest hashes. The
 * samples of one seed are nested.
 */
import { seedOf } from '../support/random.ts'

const FIRST_CAPACITY = 1024

export interface Sample {
  /** Whether an id may be in the sample. True for a few others, if ids repeat. */
  mayHave(id: string): boolean
  /** @returns a function to call once for each id, in the order in which `add` got them: whether it is in the sample */
  pass(): (id: string) => boolean
}

/** Keeps at most 2 · size hashes of 4 bytes, however many ids there are. */
export class Sampler {
  readonly #size: number
  readonly #seed: number
  #hashes: Uint32Array
  #count = 0
  /** Larger hashes are not in the sample. */
  #bound = 2 ** 32 - 1

  constructor(size: number, seed: number) {
    this.#size = size
    this.#seed = seed
    this.#hashes = new Uint32Array(Math.min(FIRST_CAPACITY, 2 * size))
  }

  hashOf(id: string): number {
    return seedOf('sample', this.#seed, id)
  }

  add(id: string): void {
    const hash = this.hashOf(id)
    if (hash > this.#bound) return
    if (this.#count === this.#hashes.length) this.#makeRoom()
    this.#hashes[this.#count++] = hash
  }

  /** Of ids with the largest hash of the sample, as many as fit are in it: first those that come first. */
  finish(): Sample {
    this.#shrink()
    const last = this.#bound
    const hashes = this.#hashes.subarray(0, this.#count)
    const room = this.#count < this.#size ? Number.POSITIVE_INFINITY : hashes.length - hashes.indexOf(last)
    return {
      mayHave: (id) => this.hashOf(id) <= last,
      pass: () => {
        let left = room
        return (id) => {
          const hash = this.hashOf(id)
          return hash < last || (hash === last && left-- > 0)
        }
      },
    }
  }

  #makeRoom(): void {
    if (this.#hashes.length >= 2 * this.#size) return this.#shrink()
    const larger = new Uint32Array(Math.min(2 * this.#hashes.length, 2 * this.#size))
    larger.set(this.#hashes)
    this.#hashes = larger
  }

  /** Leaves the `size` smallest hashes, in ascending order. */
  #shrink(): void {
    const sorted = this.#hashes.subarray(0, this.#count).sort()
    this.#count = Math.min(this.#count, this.#size)
    if (this.#count === this.#size) this.#bound = sorted[this.#size - 1] as number
  }
}
