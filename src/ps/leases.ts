/**
 * Which worker reads which unit of data. Each epoch's order is a seeded shuffle; units of workers that went away are
 * handed out again, before anything else. At-least-once: a unit that was read half is read again whole.
 */
import type { LeaseRecord } from '../checkpoint/manifest.ts'
import type { Lease } from '../contract/exchange.ts'
import { DownpourError } from '../support/errors.ts'
import { createRandom, seedOf } from '../support/random.ts'

interface Holder {
  leases: Lease[]
  /** The last request: the same number gets the same unit again, for its answer may have been lost. */
  last: { seq: number; lease: Lease }
}

/** Invariant: every unit of every epoch before `#position` is done, held by one holder, or in `#returned`. */
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

  /** @param seq of the holder's request: it rises by one, and is repeated until answered */
  next(holder: string, seq: number): Lease {
    const known = this.#holders.get(holder)
    if (known?.last.seq === seq) return { ...known.last.lease }
    const lease = this.#returned.shift() ?? this.#fresh()
    this.#holders.set(holder, { leases: [...(known?.leases ?? []), lease], last: { seq, lease } })
    return { ...lease }
  }

  /**
   * Somebody has read the unit whole, which counts wherever the lease lies by now: a worker whose connection broke may
   * have lost it on the way, and would be handed the same unit for ever.
   */
  done({ epoch, unit }: Lease): void {
    const others = (leases: readonly Lease[]) => leases.filter((one) => one.epoch !== epoch || one.unit !== unit)
    this.#returned = others(this.#returned)
    for (const holder of this.#holders.values()) holder.leases = others(holder.leases)
  }

  /** What the holder had goes back to the front of the queue. @returns how many */
  giveBack(holder: string): number {
    const leases = this.#holders.get(holder)?.leases ?? []
    this.#holders.delete(holder)
    this.#returned.push(...leases)
    return leases.length
  }

  /** For a checkpoint: leases that are out count as not done. */
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
