/**
 * Assigns units of data to workers. The order of each epoch is a seeded shuffle. Units of workers that have left are
 * assigned again first. Delivery is at least once: a partly read unit is read again completely.
 */
import type { LeaseRecord } from '../checkpoint/manifest.ts'
import type { Lease } from '../contract/exchange.ts'
import { DownpourError } from '../support/errors.ts'
import { createRandom, seedOf } from '../support/random.ts'

interface Holder {
  leases: Lease[]
  /** The last request. A repeated request gets the same unit, because its answer may have been lost. */
  last: { seq: number; lease: Lease }
}

/** Invariant: every unit before `#position`, in every epoch, is done, leased to one holder, or in `#returned`. */
export class LeaseTable {
  readonly units: number
  readonly #seed: number
  #epoch = 0
  #position = 0
  #order: readonly number[]
  readonly #holders = new Map<string, Holder>()
  #returned: Lease[] = []

  /** @throws DownpourError DATA_EMPTY */
  constructor(units: number, seed: number, saved?: LeaseRecord) {
    if (units < 1) throw new DownpourError('DATA_EMPTY', `there are ${units} units of data to train on`)
    this.units = units
    this.#seed = seed
    if (saved && saved.units === units) {
      this.#epoch = saved.epoch
      this.#position = saved.position
      this.#returned = saved.open.map((lease) => ({ ...lease }))
    }
    this.#order = this.#shuffled()
  }

  get epoch(): number {
    return this.#epoch
  }

  /** @param seq of the holder's request: rises by one, and is the same when a request is repeated */
  next(holder: string, seq: number): Lease {
    const known = this.#holders.get(holder)
    if (known?.last.seq === seq) return { ...known.last.lease }
    const lease = this.#returned.shift() ?? this.#fresh()
    this.#holders.set(holder, { leases: [...(known?.leases ?? []), lease], last: { seq, lease } })
    return { ...lease }
  }

  /**
   * A worker has read the unit completely. This counts even if the lease was returned meanwhile: a worker that keeps
   * losing its connection would otherwise get the same unit for ever.
   */
  done({ epoch, unit }: Lease): void {
    const others = (leases: readonly Lease[]) => leases.filter((one) => one.epoch !== epoch || one.unit !== unit)
    this.#returned = others(this.#returned)
    for (const holder of this.#holders.values()) holder.leases = others(holder.leases)
  }

  /** Returns the holder's leases to the front of the queue. @returns their number */
  giveBack(holder: string): number {
    const leases = this.#holders.get(holder)?.leases ?? []
    this.#holders.delete(holder)
    this.#returned.push(...leases)
    return leases.length
  }

  /** Units of the present epoch by state; those that are done are in none. */
  get counts(): { held: number; returned: number; waiting: number } {
    const held = [...this.#holders.values()].reduce((sum, { leases }) => sum + leases.length, 0)
    return { held, returned: this.#returned.length, waiting: this.units - this.#position }
  }

  /** For a checkpoint. Open leases count as not done. */
  save(): LeaseRecord {
    const held = [...this.#holders.values()].flatMap(({ leases }) => leases)
    const open = [...this.#returned, ...held].map((lease) => ({ ...lease }))
    return { units: this.units, epoch: this.#epoch, position: this.#position, open }
  }

  #fresh(): Lease {
    if (this.#position >= this.units) {
      this.#epoch++
      this.#position = 0
      this.#order = this.#shuffled()
    }
    return { epoch: this.#epoch, unit: this.#order[this.#position++] ?? 0 }
  }

  #shuffled(): number[] {
    const random = createRandom(seedOf(this.#seed, 'leases', this.#epoch))
    const order = Array.from({ length: this.units }, (_, unit) => unit)
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.int(i + 1)
      ;[order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0]
    }
    return order
  }
}
