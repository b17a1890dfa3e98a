import type { Clock } from '../../src/support/clock.ts'

interface Sleeper {
  askedMs: number
  dueMs: number
  wake: () => void
}

/** A clock that only `advance` moves. Sleepers wake in the order in which they are due. */
export class FakeClock implements Clock {
  #elapsedMs = 0
  #epochMs: number
  readonly #sleepers = new Set<Sleeper>()

  /** @param epochMs the initial wall clock; different values for two clocks simulate skew */
  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs
  }

  get sleeping(): number {
    return this.#sleepers.size
  }

  /** The duration of each sleep. */
  get waits(): number[] {
    return [...this.#sleepers].map((sleeper) => sleeper.askedMs)
  }

  nowMs(): number {
    return this.#epochMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      const sleeper = { askedMs: ms, dueMs: this.#elapsedMs + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  /** Moves time without waking sleepers, as for a stopped process. They wake at the next `advance`. */
  jump(ms: number): void {
    this.#elapsedMs += ms
  }

  /** Shifts the wall clock; monotonic time does not change. */
  setWall(ms: number): void {
    this.#epochMs += ms
  }

  /** Lets a sleeper that woke run before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    for (;;) {
      await settle()
      const due = [...this.#sleepers].filter((one) => one.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
      if (!due) break
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueMs)
      this.#sleepers.delete(due)
      due.wake()
    }
    this.#elapsedMs = untilMs
  }
}

/** Waits for a turn of the event loop, so that all promises that can settle have settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
