/**
 * What parameter server 0 has seen of each worker: it applies one part of every push. A worker is slow if its time
 * between pushes is much longer than the median of the workers; the median is robust against a few that are slow.
 */
import type { WorkerPushes } from '../metrics/ps.ts'

const SMOOTHING = 0.1

interface Record {
  pushes: number
  stalenessSum: number
  lastPushMs: number
  /** Smoothed time between pushes; undefined before the second one. */
  intervalMs: number | undefined
  hasLeft: boolean
}

export class WorkerRates {
  readonly #records = new Map<number, Record>()

  /** Call for each applied push. @param nowMs wall clock */
  record(worker: number, staleness: number, nowMs: number): void {
    const known = this.#records.get(worker)
    this.#records.set(worker, {
      pushes: (known?.pushes ?? 0) + 1,
      stalenessSum: (known?.stalenessSum ?? 0) + staleness,
      lastPushMs: nowMs,
      intervalMs: known?.hasLeft === false ? smoothed(known.intervalMs, nowMs - known.lastPushMs) : undefined,
      hasLeft: false,
    })
  }

  /**
   * Call when a worker has said goodbye: it is not slow, and no longer shown. Its counts stay, because another pod may
   * take its place. A worker that is silent stays, because somebody should see it.
   */
  leave(worker: number): void {
    const known = this.#records.get(worker)
    if (known) known.hasLeft = true
  }

  /** A worker that has stopped becomes slower with every second, though it pushes no more. */
  list(nowMs: number): WorkerPushes[] {
    const records = [...this.#records].filter(([, { hasLeft }]) => !hasLeft)
    const intervals = records.map(([, record]) => intervalNow(record, nowMs))
    const typical = median(intervals.filter((interval) => interval !== undefined))
    return records.map(([worker, { pushes, stalenessSum, lastPushMs }], i) => {
      const interval = intervals[i]
      const slowness = interval === undefined || !typical ? undefined : interval / typical
      return { worker, pushes, stalenessSum, lastPushSeconds: lastPushMs / 1000, slowness }
    })
  }
}

function smoothed(before: number | undefined, interval: number): number {
  return before === undefined ? interval : before + SMOOTHING * (interval - before)
}

function intervalNow({ intervalMs, lastPushMs }: Record, nowMs: number): number | undefined {
  return intervalMs === undefined ? undefined : Math.max(intervalMs, nowMs - lastPushMs)
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}
