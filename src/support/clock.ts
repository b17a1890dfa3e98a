import { setTimeout as delay } from 'node:timers/promises'

/** Time as an argument: production passes `systemClock`, tests a clock they turn by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for timestamps people read, never for measuring. */
  nowMs(): number
  /** Monotonic milliseconds: for durations, deadlines and leases. */
  monotonicMs(): number
  /** Rejects with an AbortError when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
}
