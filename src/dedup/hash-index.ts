/**
 * Finds all stored hashes within a few bits of a given one (multi-index hashing). A hash is cut into four parts of 16
 * bits: if two hashes differ in at most 11 bits, one of the parts differs in at most 2, so only the hashes that have one
 * of 137 values in that part are compared.
 */
import { type Hash, ones } from './hash.ts'

export const MOST_BITS = 11
const PARTS = 4
const VALUES = 1 << 16
const FIRST_CAPACITY = 1024

/** All 16-bit numbers with at most two ones: what to change in a part. */
const CHANGES = Uint16Array.from([
  0,
  ...each(16).map((i) => 1 << i),
  ...each(16).flatMap((i) => each(i).map((k) => (1 << i) | (1 << k))),
])

function each(count: number): number[] {
  return [...Array(count).keys()]
}

export class HashIndex {
  #high = new Uint32Array(FIRST_CAPACITY)
  #low = new Uint32Array(FIRST_CAPACITY)
  #size = 0
  /** starts[part · (VALUES + 1) + value]: where in `members` the hashes with this value begin. Built by the first search. */
  #starts = new Uint32Array(0)
  #members = new Uint32Array(0)
  /** A bit for each entry of #starts whose list is not empty. It fits into the first cache of a processor, unlike #starts. */
  #present = new Uint32Array(0)
  /** The search that visited a hash last, because it can be found by several of its parts. */
  #visits = new Uint32Array(0)
  #search = 0

  get size(): number {
    return this.#size
  }

  /** The first hash has number 0, the next 1, and so on. All must be added before the first search. */
  add({ high, low }: Hash): void {
    if (this.#size === this.#high.length) {
      this.#high = grown(this.#high)
      this.#low = grown(this.#low)
    }
    this.#high[this.#size] = high
    this.#low[this.#size++] = low
  }

  /** Calls `visit` for each hash that differs in at most MOST_BITS bits. */
  search({ high, low }: Hash, visit: (number: number, bits: number) => void): void {
    if (this.#visits.length !== this.#size) this.#build()
    this.#search++
    for (let part = 0; part < PARTS; part++) {
      const own = partOf(high, low, part)
      for (const change of CHANGES) {
        const bucket = part * (VALUES + 1) + (own ^ change)
        if (((this.#present[bucket >>> 5] as number) >>> (bucket & 31)) & 1) this.#visitBucket(bucket, high, low, visit)
      }
    }
  }

  #visitBucket(bucket: number, high: number, low: number, visit: (number: number, bits: number) => void): void {
    const end = this.#starts[bucket + 1] as number
    for (let at = this.#starts[bucket] as number; at < end; at++) {
      const number = this.#members[at] as number
      if (this.#visits[number] === this.#search) continue
      this.#visits[number] = this.#search
      const bits = ones((this.#high[number] as number) ^ high) + ones((this.#low[number] as number) ^ low)
      if (bits <= MOST_BITS) visit(number, bits)
    }
  }

  /** Sorts the numbers of the hashes by the value of each part (counting sort). */
  #build(): void {
    const starts = new Uint32Array(PARTS * (VALUES + 1) + 1)
    const bucketOf = (number: number, part: number) =>
      part * (VALUES + 1) + partOf(this.#high[number] as number, this.#low[number] as number, part)
    const forEachEntry = (visit: (bucket: number, number: number) => void) => {
      for (let part = 0; part < PARTS; part++)
        for (let number = 0; number < this.#size; number++) visit(bucketOf(number, part), number)
    }
    forEachEntry((bucket) => {
      starts[bucket + 1] = (starts[bucket + 1] as number) + 1
    })
    for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number)
    const members = new Uint32Array(PARTS * this.#size)
    const next = starts.slice()
    forEachEntry((bucket, number) => {
      members[next[bucket] as number] = number
      next[bucket] = (next[bucket] as number) + 1
    })
    this.#present = new Uint32Array((starts.length >>> 5) + 1)
    for (let bucket = 0; bucket + 1 < starts.length; bucket++) {
      if (starts[bucket] === starts[bucket + 1]) continue
      this.#present[bucket >>> 5] = (this.#present[bucket >>> 5] as number) | (1 << (bucket & 31))
    }
    this.#starts = starts
    this.#members = members
    this.#visits = new Uint32Array(this.#size)
  }
}

function partOf(high: number, low: number, part: number): number {
  const half = part < 2 ? high : low
  return part & 1 ? half >>> 16 : half & 0xffff
}

function grown(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(values.length * 2)
  larger.set(values)
  return larger
}
