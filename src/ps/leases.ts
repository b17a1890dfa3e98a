/**
 * Which worker reads which unit of data. Each epoch's order is a seeded shuffle; units of workers that went away are
 * handed out again, before anything else. At-least-once: a unit that was read half is read again whole.
 */
import { createRandom, seedOf } from '../support/random.ts'
import type { Lease } from '../wire/messages.ts'

export interface LeaseState {
  units: number
  epoch: number
  position: number
  open: Lease[]
}

/** Invariant: every unit of every epoch before `#position` is done, held by one holder, or in `#returned`. */
export class LeaseTable {
  readonly units: number
  readonly #seed: number
  #epoch = 0
  #position = 0
  #order: readonly number[]
  readonly #held = new Map<string, Lease[]>()
  #returned: Lease[] = []

  constructor(units: number, seed: number, saved?: LeaseState) {
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

  next(holder: string): Lease {
    const lease = this.#returned.shift() ?? this.#fresh()
    const held = this.#held.get(holder) ?? []
    held.push(lease)
    this.#held.set(holder, held)
    return { ...lease }
  }

  /** Unknown leases are ignored: the holder may have lost it and been slow to hear. */
  done(holder: string, { epoch, unit }: Lease): void {
    const held = this.#held.get(holder) ?? []
    const rest = held.filter((lease) => lease.epoch !== epoch || lease.unit !== unit)
    if (rest.length > 0) this.#held.set(holder, rest)
    else this.#held.delete(holder)
  }

  /** What the holder had goes back to the front of the queue. */
  giveBack(holder: string): number {
    const held = this.#held.get(holder) ?? []
    this.#held.delete(holder)
    this.#returned.push(...held)
    return held.length
  }

  /** For a checkpoint: leases that are out count as not done. */
  save(): LeaseState {
    const open = [...this.#returned, ...[...this.#held.values()].flat()].map((lease) => ({ ...lease }))
    return { units: this.units, epoch: this.#epoch, position: this.#position, open }
  }

  #fresh(): Lease {
    if (this.#position === this.units) {
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
