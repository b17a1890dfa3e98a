/** Workers whose connection broke without a goodbye. They keep their leases for a while, because most reconnect. */
export class Absences {
  readonly #graceMs: number
  readonly #onOver: (podUid: string) => void
  readonly #timers = new Map<string, NodeJS.Timeout>()

  /** @param onOver called for a worker that has not reconnected within `graceMs` */
  constructor(graceMs: number, onOver: (podUid: string) => void) {
    this.#graceMs = graceMs
    this.#onOver = onOver
  }

  has(podUid: string): boolean {
    return this.#timers.has(podUid)
  }

  begin(podUid: string): void {
    this.end(podUid)
    const over = () => {
      this.#timers.delete(podUid)
      this.#onOver(podUid)
    }
    this.#timers.set(podUid, setTimeout(over, this.#graceMs).unref())
  }

  /** The worker has reconnected, or will not. */
  end(podUid: string): void {
    clearTimeout(this.#timers.get(podUid))
    this.#timers.delete(podUid)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
