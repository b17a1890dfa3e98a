import type { Decoded } from './pipeline.ts'

/** What is at one place of a unit. */
export type Loaded<A> =
  | { readonly type: 'example'; readonly example: Decoded<A> }
  | { readonly type: 'damage'; readonly where: string; readonly reason: string }

interface Collection<A> {
  readonly entries: Loaded<A>[]
  bytes: number
}

/** Keeps what units hold, so that a small data set is decoded once. */
export class DecodedCache<A> {
  readonly #complete = new Map<number, readonly Loaded<A>[]>()
  /** Of units that are being read. Their bytes are reserved. */
  readonly #collected = new Map<number, Collection<A>>()
  #bytesLeft: number

  /** @param bytes of decoded pixels, at most */
  constructor(bytes: number) {
    this.#bytesLeft = bytes
  }

  get(unit: number): readonly Loaded<A>[] | undefined {
    return this.#complete.get(unit)
  }

  /**
   * Collects a unit, which is in the cache once `end` was called. A unit that does not fit is not kept, nor is one whose
   * reading was given up, or has begun again before it ended.
   */
  collect(unit: number): { add(loaded: Loaded<A>): void; isKept(): boolean; end(): void } {
    this.#drop(unit)
    const collection: Collection<A> = { entries: [], bytes: 0 }
    this.#collected.set(unit, collection)
    const isKept = () => this.#collected.get(unit) === collection
    return {
      isKept: () => isKept() || this.#complete.get(unit) === collection.entries,
      add: (loaded) => {
        if (!isKept()) return
        const bytes = loaded.type === 'example' ? loaded.example.picture.rgb.length : 0
        collection.entries.push(loaded)
        collection.bytes += bytes
        this.#bytesLeft -= bytes
        if (this.#bytesLeft < 0) this.#drop(unit)
      },
      end: () => {
        if (!isKept()) return
        this.#collected.delete(unit)
        this.#complete.set(unit, collection.entries)
      },
    }
  }

  #drop(unit: number): void {
    this.#bytesLeft += this.#collected.get(unit)?.bytes ?? 0
    this.#collected.delete(unit)
  }
}
