/**
 * The time of one job. Its deadlines count from times in its status, and a wall clock that is set back must not put
 * them off: the job's time continues from the newest of these times at the rate of the monotonic clock. A wall clock
 * that jumps ahead is followed, because the machine may have slept.
 */
import type { JobStatus } from '../api/status.ts'
import type { Clock } from '../support/clock.ts'

interface Reading {
  uid: string
  nowMs: number
  atMonotonicMs: number
}

export class JobTime {
  readonly #clock: Clock
  #last: Reading | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since 1970; it never decreases for one uid. */
  nowMs(uid: string, status: JobStatus | undefined): number {
    const atMonotonicMs = this.#clock.monotonicMs()
    const last = this.#last
    const continued = last?.uid === uid ? last.nowMs + atMonotonicMs - last.atMonotonicMs : 0
    const nowMs = Math.max(this.#clock.nowMs(), continued, newestMs(status))
    this.#last = { uid, nowMs, atMonotonicMs }
    return nowMs
  }
}

/** For an operator that starts after the clock was set back, these are the only record of the time before. */
function newestMs(status: JobStatus | undefined): number {
  const { startTime, completionTime, runningSince, progress, conditions = [] } = status ?? {}
  const times = [
    ...[startTime, completionTime, runningSince, progress?.steppedAt],
    ...conditions.map((one) => one.lastTransitionTime),
  ]
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '')).filter(Number.isFinite))
}
