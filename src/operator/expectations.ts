/**
 * Pods that were made and that our watch has not shown yet. A job is not looked at through a copy that is known to lag:
 * it would make them again, which the API server refuses, one by one. Not for ever: one may be gone before it was seen.
 * Nor is it looked at while the API server has asked for a pause, whatever changes meanwhile.
 */
import type { Clock } from '../support/clock.ts'

const PATIENCE_MS = 2000
const MAX_PAUSE_SECONDS = 30

export class Expectations {
  readonly #clock: Clock
  /** Key of a job -> names of pods, and when the last of them was made. */
  readonly #expected = new Map<string, { names: Set<string>; atMs: number }>()

  /** Key of a job -> when the API server may be asked again. */
  readonly #pauses = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  expect(key: string, name: string): void {
    const { names } = this.#expected.get(key) ?? { names: new Set<string>() }
    names.add(name)
    this.#expected.set(key, { names, atMs: this.#clock.monotonicMs() })
  }

  pause(key: string, seconds: number): void {
    this.#pauses.set(key, this.#clock.monotonicMs() + 1000 * Math.min(seconds, MAX_PAUSE_SECONDS))
  }

  /** @returns milliseconds to wait for the watch, which announces the pods itself, or for the pause to end; 0: neither */
  waitMs(key: string, isSeen: (name: string) => boolean): number {
    const pausedMs = (this.#pauses.get(key) ?? 0) - this.#clock.monotonicMs()
    if (pausedMs > 0) return pausedMs
    this.#pauses.delete(key)
    const expected = this.#expected.get(key)
    if (!expected) return 0
    for (const name of expected.names) if (isSeen(name)) expected.names.delete(name)
    const leftMs = expected.atMs + PATIENCE_MS - this.#clock.monotonicMs()
    if (expected.names.size > 0 && leftMs > 0) return leftMs
    this.#expected.delete(key)
    return 0
  }

  forget(key: string): void {
    this.#expected.delete(key)
    this.#pauses.delete(key)
  }
}
