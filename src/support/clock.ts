import { setTimeout as delay } from 'node:timers/promises'

/** Code takes time as an argument: production passes `systemClock`, tests pass a clock that they advance themselves. */
export interface Clock {
  /** Wall clock in milliseconds since 1970, for timestamps that people read. It may jump, so never measure with it. */
  nowMs(): number
  /** Monotonic milliseconds, for durations, deadlines and leases. */
  monotonicMs(): number
  /** Rejects with an AbortError when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
