export interface BackoffBounds {
  /** Milliseconds before the first repeat. */
  baseMs: number
  capMs: number
}

/**
 * Doubles with each attempt (0 is the first) up to the cap, then takes half to all of it at random, so that a crowd
 * that failed together does not come back together.
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: () => number): number {
  const full = Math.min(bounds.capMs, bounds.baseMs * 2 ** Math.min(attempt, 52))
  return full * (0.5 + 0.5 * random())
}
