/**
 * Created pods of one job that the watch has not shown yet. Reconciling before it has shown them would create them
 * again, and the API server would refuse each one. The wait is bounded, because a pod may be deleted before it was ever
 * shown. It also holds back reconciles while the API server has asked for a pause.
 */
import type { Clock } from '../support/clock.ts'

const EXPECT_FOR_MS = 2000
const MAX_PAUSE_SECONDS = 30

export class Expectations {
  readonly #clock: Clock
  readonly #names = new Set<string>()
  /** When the last of these pods was created. */
  #createdMs = 0
  /** When the API server may be asked again. */
  #pausedUntilMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  expect(name: string): void {
    this.#names.add(name)
    this.#createdMs = this.#clock.monotonicMs()
  }

  pause(seconds: number): void {
    this.#pausedUntilMs = this.#clock.monotonicMs() + 1000 * Math.min(seconds, MAX_PAUSE_SECONDS)
  }

  /**
   * @returns milliseconds until the pause ends or the pods count as gone; the watch may show them sooner. 0: neither
   */
  waitMs(isSeen: (name: string) => boolean): number {
    const nowMs = this.#clock.monotonicMs()
    if (this.#pausedUntilMs > nowMs) return this.#pausedUntilMs - nowMs
    for (const name of this.#names) if (isSeen(name)) this.#names.delete(name)
    const leftMs = this.#createdMs + EXPECT_FOR_MS - nowMs
    if (this.#names.size > 0 && leftMs > 0) return leftMs
    this.#names.clear()
    return 0
  }
}
