import { type BackoffBounds, backoffMs } from '../support/backoff.ts'
import type { Clock } from '../support/clock.ts'
import { KubeError } from './errors.ts'

/** Which failed requests are repeated, and when. */
export interface RetryPolicy extends BackoffBounds {
  /** Maximum number of attempts; 1: never repeat. */
  attempts: number
  statuses: readonly number[]
  /** With a longer Retry-After the request fails at once, and the caller's queue waits instead. */
  maxRetryAfterMs: number
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 5,
  baseMs: 200,
  capMs: 5_000,
  statuses: [429, 500, 502, 503, 504, 507],
  maxRetryAfterMs: 30_000,
}
export const NO_RETRY: RetryPolicy = { ...DEFAULT_RETRY, attempts: 1 }

interface RetryTools {
  clock: Clock
  random: () => number
  signal?: AbortSignal | undefined
  onRetry?: (error: KubeError, attempt: number, waitMs: number) => void
}

/**
 * Repeats the call until it succeeds, fails permanently, or no attempt is left. Only for requests that may be repeated.
 */
export async function withRetry<R>(call: () => Promise<R>, policy: RetryPolicy, tools: RetryTools): Promise<R> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof KubeError) || attempt + 1 >= policy.attempts) throw error
      const waitMs = retryWaitMs(error, attempt, policy, tools.random)
      if (waitMs === undefined) throw error
      tools.onRetry?.(error, attempt, waitMs)
      await tools.clock.sleep(waitMs, tools.signal)
    }
  }
}

/** Milliseconds before the next attempt, at least Retry-After; undefined: no further attempt. */
function retryWaitMs(error: KubeError, attempt: number, policy: RetryPolicy, random: () => number): number | undefined {
  if (error.httpStatus !== 0 && !policy.statuses.includes(error.httpStatus)) return undefined
  const retryAfterMs = (error.retryAfterSeconds ?? 0) * 1000
  if (retryAfterMs > policy.maxRetryAfterMs) return undefined
  return retryAfterMs + backoffMs(attempt, policy, random)
}
