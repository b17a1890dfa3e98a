/**
 * What time it is for a job. Its deadlines count from times that are written in its status, so a wall clock that is set
 * back must not hold them up: a job's time goes on from the newest of them, at the pace of the monotonic clock. A wall
 * clock that goes ahead is followed, for a machine that slept looks the same.
 */
import type { JobStatus } from '../api/status.ts'
import type { Clock } from '../support/clock.ts'

interface Told {
  uid: string
  nowMs: number
  atMonotonicMs: number
}

export class JobTimes {
  readonly #clock: Clock
  /** By key: what the job was told last. */
  readonly #told = new Map<string, Told>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since 1970, never less than before. */
  nowMs(key: string, uid: string, status: JobStatus | undefined): number {
    const atMonotonicMs = this.#clock.monotonicMs()
    const told = this.#told.get(key)
    const goneOn = told?.uid === uid ? told.nowMs + atMonotonicMs - told.atMonotonicMs : 0
    const nowMs = Math.max(this.#clock.nowMs(), goneOn, newestMs(status))
    this.#told.set(key, { uid, nowMs, atMonotonicMs })
    return nowMs
  }

  /** Call it when the job is gone. */
  forget(key: string): void {
    this.#told.delete(key)
  }
}

/** An operator that starts after the clock was set back knows from these alone what time it was. */
function newestMs(status: JobStatus | undefined): number {
  const { startTime, completionTime, progress, conditions = [] } = status ?? {}
  const times = [startTime, completionTime, progress?.steppedAt, ...conditions.map((one) => one.lastTransitionTime)]
  return Math.max(0, ...times.map((time) => Date.parse(time ?? '')).filter(Number.isFinite))
}
