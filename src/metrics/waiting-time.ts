/** Time spent in waits of one kind, of which at most one is under way: a wait that does not end counts as well. */
export class WaitingTime {
  #endedMs = 0
  #sinceMs: number | undefined

  /** @returns the result of what was waited for */
  async during<T>(waited: Promise<T>): Promise<T> {
    const sinceMs = performance.now()
    this.#sinceMs = sinceMs
    try {
      return await waited
    } finally {
      this.#sinceMs = undefined
      this.#endedMs += performance.now() - sinceMs
    }
  }

  /** Adds a wait that is over. */
  add(seconds: number): void {
    this.#endedMs += 1000 * seconds
  }

  seconds(): number {
    const openMs = this.#sinceMs === undefined ? 0 : performance.now() - this.#sinceMs
    return (this.#endedMs + openMs) / 1000
  }
}
