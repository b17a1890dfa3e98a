import type { Lease } from '../contract/exchange.ts'
import { DownpourError } from '../support/errors.ts'
import { createRandom, type Random, seedOf } from '../support/random.ts'
import type { LeaseSource } from './batch.ts'

interface Held {
  /** Decides for each example of the unit, in the order of the file. */
  readonly random: Random
  /** Examples that were read and have not left the shuffle buffer. */
  waiting: number
  samples: number
  isRead: boolean
}

export interface HeldLeasesOptions {
  readonly seed: number
  /** Of the data set. */
  readonly units: number
  /** Whether a sample of the lease is in a batch that is not full. */
  readonly isInBatch: (lease: Lease) => boolean
  readonly leases: Pick<LeaseSource, 'done'>
}

/** The leases whose examples were not all given to the consumer. A lease is returned once they are. */
export class HeldLeases {
  readonly #options: HeldLeasesOptions
  readonly #held = new Map<Lease, Held>()
  readonly #given = new Set<Lease>()
  /** Units without a sample since the last one that had any. */
  readonly #empty = new Set<number>()

  constructor(options: HeldLeasesOptions) {
    this.#options = options
  }

  /** Leases that are being read or have examples in the buffer. */
  get size(): number {
    return this.#held.size
  }

  /** An example of the unit goes into the buffer. @returns the seed of its samples, which only (seed, epoch, unit) and its place decide */
  entered(lease: Lease): number {
    const held = this.#of(lease)
    held.waiting++
    return held.random.int(2 ** 32)
  }

  /** @throws DownpourError DATA_EMPTY */
  left(lease: Lease, samples: number): void {
    const held = this.#of(lease)
    held.waiting--
    held.samples += samples
    this.#settle(lease, held)
  }

  /** The unit has no more examples. @throws DownpourError DATA_EMPTY */
  read(lease: Lease): void {
    const held = this.#of(lease)
    held.isRead = true
    this.#settle(lease, held)
  }

  async returnGiven(): Promise<void> {
    for (const lease of [...this.#given].filter((one) => !this.#options.isInBatch(one))) {
      this.#given.delete(lease)
      await this.#options.leases.done(lease)
    }
  }

  #of(lease: Lease): Held {
    const known = this.#held.get(lease)
    if (known) return known
    const random = createRandom(seedOf(this.#options.seed, lease.epoch, lease.unit))
    const held = { random, waiting: 0, samples: 0, isRead: false }
    this.#held.set(lease, held)
    return held
  }

  #settle(lease: Lease, { waiting, samples, isRead }: Held): void {
    if (waiting > 0 || !isRead) return
    this.#held.delete(lease)
    this.#given.add(lease)
    if (samples > 0) this.#empty.clear()
    else this.#noteEmpty(lease.unit)
  }

  /**
   * The job never stops to hand out leases, so without this error workers would read a data set without samples for ever.
   */
  #noteEmpty(unit: number): void {
    const { units } = this.#options
    this.#empty.add(unit)
    if (this.#empty.size < units) return
    throw new DownpourError(
      'DATA_EMPTY',
      `all ${units} units of the data were read and have no usable example: check spec.data.subset, spec.data.labelSubset and damaged records`,
      { units },
    )
  }
}
