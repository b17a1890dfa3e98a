/**
 * The weights of a shard, which pulls send from where they are. Updates continue meanwhile: the next one writes its weights
 * into another region, which the first pull of a version reserves. Without a pull under way, weights are updated in place.
 */
import type { Region, Regions } from '../wire/regions.ts'

/** Weights that pulls send. */
export interface LentWeights {
  readonly version: number
  readonly body: Region
  /** Where the next update writes its weights. */
  readonly spare: Region
  /** Number of pulls that send them. */
  readers: number
}

export class WeightVersions {
  readonly #bodies: Regions
  #present: Region
  /** Whether the checksum of the present weights is known. */
  #isChecked = false
  /** The present weights, while pulls send them. */
  #lent: LentWeights | undefined

  /** @param bodies with room for two */
  constructor(bodies: Regions, bytes: number) {
    this.#bodies = bodies
    this.#present = bodies.acquire(bytes) as Region
  }

  get present(): Region {
    return this.#present
  }

  /** Where an update writes its weights: in place, unless pulls send the present ones. */
  get next(): Region {
    return this.#lent?.spare ?? this.#present
  }

  /** Call when `next` has all weights and its checksum. */
  advance(): void {
    this.#present = this.next
    this.#isChecked = true
    this.#lent = undefined
  }

  /** Waits while there is no room for the weights of an update. The result has the version of the moment at which it is lent. */
  async lend(training: { readonly version: number }): Promise<LentWeights> {
    const spare = this.#lent?.spare ?? (await this.#bodies.take(this.#present.bytes.length))
    this.#lent ??= { version: training.version, body: this.#check(), spare, readers: 0 }
    const lent = this.#lent
    lent.readers++
    // Another pull has reserved a region meanwhile. Releasing this one may let in a push, and thus an update.
    if (lent.spare !== spare) this.#bodies.release(spare.bytes)
    return lent
  }

  /** Call when a pull has sent them. */
  giveBack(lent: LentWeights): void {
    if (--lent.readers > 0) return
    const isPresent = this.#lent === lent
    if (isPresent) this.#lent = undefined
    this.#bodies.release((isPresent ? lent.spare : lent.body).bytes)
  }

  /** Before the first update nobody has computed a checksum. */
  #check(): Region {
    if (!this.#isChecked) this.#present.open(this.#present.bytes.length).finish()
    this.#isChecked = true
    return this.#present
  }
}
