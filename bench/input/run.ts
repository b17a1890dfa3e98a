/** What each contender measures of itself. */
export interface Run {
  readonly images: number
  /** Where some were decoded and not given out. */
  readonly decoded?: number
  readonly seconds: number
  readonly cpuSeconds: number
  /** Until the first batch is there. */
  readonly firstBatchSeconds?: number
  /** Of all batches but the first. */
  readonly longestWaitSeconds?: number
  /** Share of the time in which nothing was computed, after the first batch. */
  readonly waiting?: number
}

/** Of this process with all of its threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
