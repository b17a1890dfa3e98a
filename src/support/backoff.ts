export interface BackoffBounds {
  /** Milliseconds before the first retry. */
  baseMs: number
  capMs: number
}

/** Doubles with each attempt (0 is the first) up to the cap. */
export function doublingMs(attempt: number, { baseMs, capMs }: BackoffBounds): number {
  return Math.min(capMs, baseMs * 2 ** Math.min(attempt, 52))
}

/**
 * As doublingMs, with jitter, so that clients that failed together do not retry together.
 * @param least the share of the delay that is fixed; the rest is random
 */
export function backoffMs(attempt: number, bounds: BackoffBounds, random: () => number, least = 0.5): number {
  return doublingMs(attempt, bounds) * (least + (1 - least) * random())
}
