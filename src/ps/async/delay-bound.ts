/** How many pushes each active worker is ahead of the slowest one. */
export class DelayBound {
  readonly #maxDelay: number
  /** Pushes of each active worker, whatever their result: one that is refused must not hold up the others for ever. */
  readonly #pushes = new Map<number, number>()

  constructor(maxDelay: number) {
    this.#maxDelay = maxDelay
  }

  /** A worker that joins or returns begins where the slowest one is, because all would have to wait for it otherwise. */
  join(worker: number): void {
    if (!this.#pushes.has(worker)) this.#pushes.set(worker, this.#pushes.size === 0 ? 0 : this.#slowest())
  }

  /** Does nothing for a worker that has not joined. */
  count(worker: number): void {
    const before = this.#pushes.get(worker)
    if (before !== undefined) this.#pushes.set(worker, before + 1)
  }

  leave(worker: number): void {
    this.#pushes.delete(worker)
  }

  mustWait(worker: number): boolean {
    const own = this.#pushes.get(worker)
    return own !== undefined && own - this.#slowest() > this.#maxDelay
  }

  #slowest(): number {
    return Math.min(...this.#pushes.values())
  }
}
