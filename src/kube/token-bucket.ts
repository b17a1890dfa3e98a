import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'

export interface Limits {
  /** Requests a second, on average. */
  qps: number
  /** Requests that may go out at once after a pause. */
  burst: number
}

export const DEFAULT_LIMITS: Limits = { qps: 200, burst: 400 }

/** Limits the request rate; callers proceed in the order of their calls. */
export class TokenBucket {
  readonly #limits: Limits
  readonly #clock: Clock
  /** Negative: that many callers wait. */
  #tokens: number
  #filledAtMs: number

  constructor(limits: Limits, clock: Clock) {
    for (const [name, value] of Object.entries(limits)) {
      if (!(value > 0)) {
        throw new DownpourError('INVALID_LIMITS', `limits.${name}: got ${value}, expected a number above 0`)
      }
    }
    this.#limits = limits
    this.#clock = clock
    this.#tokens = limits.burst
    this.#filledAtMs = clock.monotonicMs()
  }

  async take(signal?: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs()
    const refill = ((now - this.#filledAtMs) / 1000) * this.#limits.qps
    this.#filledAtMs = now
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + refill) - 1
    if (this.#tokens >= 0) return
    try {
      await this.#clock.sleep((-this.#tokens / this.#limits.qps) * 1000, signal)
    } catch (error) {
      this.#tokens += 1
      throw error
    }
  }
}
