/** Something that serves one request at a time, in the order of arrival: a thread, one direction of a network card, a disk. */
import type { Process, Simulation } from './process.ts'

export class Resource {
  readonly #simulation: Simulation
  #freeAtSeconds = 0
  #reservedSeconds = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** Queues a request of so many seconds that arrives now. @returns when it begins and ends */
  reserve(seconds: number): { startSeconds: number; endSeconds: number } {
    const startSeconds = Math.max(this.#simulation.nowSeconds, this.#freeAtSeconds)
    this.#freeAtSeconds = startSeconds + seconds
    this.#reservedSeconds += seconds
    return { startSeconds, endSeconds: this.#freeAtSeconds }
  }

  /** Waits for its turn, calls `begin`, and waits until the request is served. */
  *use(seconds: number, begin?: () => void): Process {
    const { startSeconds, endSeconds } = this.reserve(seconds)
    if (begin) {
      yield startSeconds - this.#simulation.nowSeconds
      begin()
    }
    yield endSeconds - this.#simulation.nowSeconds
  }

  /** Seconds of work done until now: what is reserved beyond now is done without a pause from now on. */
  get busySeconds(): number {
    return this.#reservedSeconds - Math.max(0, this.#freeAtSeconds - this.#simulation.nowSeconds)
  }
}
