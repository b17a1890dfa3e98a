export interface BackoffBounds {
  /** Milliseconds before the first repeat. */
  baseMs: number
  capMs: number
}

/** Doubles with each attempt (0 is the first) up to the cap. */
export function doublingMs(attempt: number, { baseMs, capMs }: BackoffBounds): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt, 52))
}

/**
 * The same with jitter, so that clients that failed together do not come back together.
 * @param least share of the delay that is always waited; the rest is random
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: () => number, least = 0.5): number {
  return doublingMs(attempt, bounds) * (least + (1 - least) * random())
}
