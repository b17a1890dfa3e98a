/** Reports the progress of a worker: /status, metrics, and a log line every 10 seconds. */
import type { PushResult } from '../contract/exchange.ts'
import type { WorkerStatus } from '../contract/status.ts'
import type { LoaderStats } from '../input/loader.ts'
import type { Wait, WorkerMetrics } from '../metrics/worker.ts'
import type { Log } from '../support/log.ts'
import type { SourceStats, StepSum } from './step-source.ts'

const LOG_EVERY_MS = 10_000
const SMOOTHING = 0.1

type StepFacts = Pick<StepSum, 'batches' | 'nonFinite' | 'examples' | 'loss' | 'parts' | 'seconds'>

export class Reporter {
  readonly #metrics: WorkerMetrics
  readonly #log: Log
  readonly #status: WorkerStatus
  #lastLogMs = performance.now()
  #lastStepMs = performance.now()
  #corruptRecords = 0
  #otherRssBytes = 0

  constructor(index: number, metrics: WorkerMetrics, log: Log) {
    this.#metrics = metrics
    this.#log = log
    this.#status = {
      role: 'worker',
      index,
      phase: 'connecting',
      backend: null,
      localSteps: 0,
      loss: null,
      lossParts: {},
      examplesPerSecond: 0,
      corruptRecords: 0,
      rssBytes: 0,
      failure: null,
    }
  }

  get status(): WorkerStatus {
    return { ...this.#status, rssBytes: process.memoryUsage.rss() + this.#otherRssBytes }
  }

  set(facts: Partial<Pick<WorkerStatus, 'phase' | 'backend' | 'failure'>>): void {
    Object.assign(this.#status, facts)
  }

  onStep(step: StepFacts, stats: SourceStats): void {
    const nowMs = performance.now()
    this.#otherRssBytes = stats.otherRssBytes ?? 0
    this.#updateStatus(step, stats, nowMs)
    this.#updateMetrics(step, stats)
    this.#lastStepMs = nowMs
    if (nowMs - this.#lastLogMs < LOG_EVERY_MS) return
    this.#lastLogMs = nowMs
    this.#logProgress(step)
  }

  #updateStatus(
    { batches, nonFinite, examples, loss, parts }: StepFacts,
    { corruptRecords }: LoaderStats,
    nowMs: number,
  ): void {
    const status = this.#status
    const rate = (examples * 1000) / (nowMs - this.#lastStepMs)
    status.examplesPerSecond =
      status.localSteps === 0 ? rate : status.examplesPerSecond + SMOOTHING * (rate - status.examplesPerSecond)
    status.localSteps += batches + nonFinite
    status.loss = finiteOrNull(loss)
    status.lossParts = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, finiteOrNull(part)]))
    status.corruptRecords = corruptRecords
  }

  #updateMetrics({ batches, nonFinite, examples, loss, seconds }: StepFacts, { corruptRecords }: LoaderStats): void {
    const metrics = this.#metrics
    metrics.steps.inc(batches + nonFinite)
    metrics.samples.inc(examples)
    metrics.stepSeconds.observe(seconds)
    metrics.corruptRecords.inc(corruptRecords - this.#corruptRecords)
    metrics.loss.set(loss)
    this.#corruptRecords = corruptRecords
  }

  #logProgress({ loss, parts }: StepFacts): void {
    const { localSteps, examplesPerSecond, rssBytes } = this.status
    const terms = Object.keys(parts).length > 0 ? { lossParts: parts } : {}
    const rates = { examplesPerSecond: Math.round(examplesPerSecond), rssMiB: Math.round(rssBytes / 2 ** 20) }
    this.#log.info({ localSteps, loss, ...terms, ...rates }, 'training')
  }

  /** Adds the duration of a wait to the metrics. */
  timed<T>(wait: Wait, waited: Promise<T>): Promise<T> {
    return this.#metrics.waits[wait].during(waited)
  }

  /** A wait of another process. */
  onWaited(wait: Wait, seconds: number): void {
    this.#metrics.waits[wait].add(seconds)
  }

  onPushed(result: PushResult): void {
    this.#metrics.pushes.inc({ result })
  }

  onNonFinite(gradients: number): void {
    this.#metrics.nonFinite.inc(gradients)
    this.#log.warn({ localSteps: this.#status.localSteps }, 'gradient is not finite and was not pushed')
  }
}

/** JSON has no NaN and no infinity. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
