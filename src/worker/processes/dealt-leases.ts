import type { Lease } from '../../contract/exchange.ts'
import type { LeaseSource } from '../../input/batch.ts'

interface Hand {
  /** Drawn for the process, and not asked for yet. */
  leases: Lease[]
  asking: PromiseWithResolvers<Lease | null>[]
}

/** Deals the leases of a worker to its processes in turn, so that what a process reads does not depend on time. */
export class DealtLeases {
  readonly #leases: Pick<LeaseSource, 'next'>
  readonly #hands: readonly Hand[]
  #dealt = 0
  #isDealing = false

  constructor(leases: Pick<LeaseSource, 'next'>, processes: number) {
    this.#leases = leases
    this.#hands = Array.from({ length: processes }, () => ({ leases: [], asking: [] }))
  }

  /** Null when the job is done. @throws what the source of the leases throws */
  async next(process: number): Promise<Lease | null> {
    const { leases, asking } = this.#hands[process] as Hand
    const drawn = leases.shift()
    if (drawn) return drawn
    const asked = Promise.withResolvers<Lease | null>()
    asking.push(asked)
    if (!this.#isDealing) void this.#deal()
    return asked.promise
  }

  /** Until nobody asks. */
  async #deal(): Promise<void> {
    this.#isDealing = true
    try {
      while (this.#hands.some(({ asking }) => asking.length > 0)) this.#give(await this.#leases.next())
    } catch (error) {
      for (const { reject } of this.#allAsking()) reject(error)
    } finally {
      this.#isDealing = false
    }
  }

  #give(lease: Lease | null): void {
    if (!lease) {
      for (const { resolve } of this.#allAsking()) resolve(null)
      return
    }
    const { leases, asking } = this.#hands[this.#dealt++ % this.#hands.length] as Hand
    const asked = asking.shift()
    if (asked) asked.resolve(lease)
    else leases.push(lease)
  }

  #allAsking(): PromiseWithResolvers<Lease | null>[] {
    return this.#hands.flatMap(({ asking }) => asking.splice(0))
  }
}
