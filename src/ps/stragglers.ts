/**
 * Workers whose steps take much longer than those of the others, as parameter server 0 sees it: a step takes from the
 * pull of the weights, or the push before, to the push. Waiting for other workers does not count, so a policy that makes
 * workers wait hides no slow one.
 */
import type { Straggling } from '../contract/training.ts'
import type { Pace } from './turns.ts'

/** The median of so many steps of a worker is its pace: one long step, as during a checkpoint, changes nothing. */
const STEPS = 9
/** A worker is judged from so many steps on: the first ones compile kernels. */
const MIN_STEPS = 5
/** With fewer workers the median is that of the slow one, or of chance. */
const MIN_WORKERS = 3
/** A worker that is no further off than so many standard deviations is one of several kinds of machine. */
const DEVIATIONS = 3
/** The standard deviation of normally distributed values, divided by their median absolute deviation. */
const NORMAL_MAD = 1.4826

interface Record {
  /** The last ones. */
  stepMs: number[]
  /** When the present step began, moved by the time that the worker has waited since. */
  beganMs: number
  waitsSinceMs: number | undefined
  slow: Slow | undefined
}

interface Slow {
  /** Time of its steps, divided by the median over workers. */
  slowness: number
  sinceMs: number
}

export class Stragglers implements Pace {
  readonly #limits: Straggling
  readonly #nowMs: () => number
  readonly #records = new Map<number, Record>()

  /** @param nowMs wall clock */
  constructor(limits: Straggling, nowMs: () => number) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  onPull(worker: number): void {
    const nowMs = this.#nowMs()
    const known = this.#records.get(worker)
    if (!known) this.#records.set(worker, { stepMs: [], beganMs: nowMs, waitsSinceMs: undefined, slow: undefined })
    else if (known.waitsSinceMs !== undefined) {
      known.beganMs += nowMs - known.waitsSinceMs
      known.waitsSinceMs = undefined
    }
  }

  onWait(worker: number): void {
    const known = this.#records.get(worker)
    if (known) known.waitsSinceMs ??= this.#nowMs()
  }

  onPushed(worker: number): void {
    const known = this.#records.get(worker)
    if (!known) return
    const nowMs = this.#nowMs()
    known.stepMs = [...known.stepMs, nowMs - known.beganMs].slice(-STEPS)
    known.beganMs = nowMs
  }

  /** A pod that has left says nothing about the one that takes its place. */
  leave(worker: number): void {
    this.#records.delete(worker)
  }

  /** Call every few seconds: a worker is slow since the first of the calls that have all found it slow. */
  judge(): void {
    const nowMs = this.#nowMs()
    const paces = this.#paces(nowMs)
    const typical = median([...paces.values()])
    const limit = this.#limitOf([...paces.values()], typical)
    for (const [worker, record] of this.#records) {
      const pace = paces.get(worker) ?? 0
      const sinceMs = record.slow?.sinceMs ?? nowMs
      record.slow = pace > limit ? { slowness: pace / typical, sinceMs } : undefined
    }
  }

  /** Those that have been slow for long enough, the slowest first. */
  list(): (Slow & { worker: number })[] {
    const latestMs = this.#nowMs() - this.#limits.forSeconds * 1000
    const slow = [...this.#records].flatMap(([worker, { slow }]) =>
      slow && slow.sinceMs <= latestMs ? [{ worker, ...slow }] : [],
    )
    return slow.sort((a, b) => b.slowness - a.slowness)
  }

  /** By worker. A step that is not over counts as soon as it is longer than the others. */
  #paces(nowMs: number): Map<number, number> {
    const judged = [...this.#records].filter(([, { stepMs }]) => stepMs.length >= MIN_STEPS)
    return new Map(
      judged.map(([worker, { stepMs, beganMs, waitsSinceMs = nowMs }]) => [
        worker,
        Math.max(median(stepMs), waitsSinceMs - beganMs),
      ]),
    )
  }

  #limitOf(paces: readonly number[], typical: number): number {
    if (paces.length < MIN_WORKERS || typical === 0) return Number.POSITIVE_INFINITY
    const deviation = NORMAL_MAD * median(paces.map((pace) => Math.abs(pace - typical)))
    return Math.max(this.#limits.slowerThan * typical, typical + DEVIATIONS * deviation)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}
