import type { Lease } from '../../contract/exchange.ts'
import type { LeaseSource } from '../../input/batch.ts'

/** Deals the leases of a worker to its processes in turn, so that what a process reads does not depend on time. */
export class DealtLeases {
  readonly #leases: Pick<LeaseSource, 'next'>
  /** Of each process, those that others have drawn for it. */
  readonly #hands: readonly Lease[][]
  #dealt = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(leases: Pick<LeaseSource, 'next'>, processes: number) {
    this.#leases = leases
    this.#hands = Array.from({ length: processes }, () => [])
  }

  /** Null when the job is done. */
  next(process: number): Promise<Lease | null> {
    const turn = this.#turn.then(() => this.#take(this.#hands[process] as Lease[]))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #take(hand: Lease[]): Promise<Lease | null> {
    while (hand.length === 0) {
      const lease = await this.#leases.next()
      if (!lease) return null
      this.#hands[this.#dealt++ % this.#hands.length]?.push(lease)
    }
    return hand.shift() ?? null
  }
}
