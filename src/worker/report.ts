/** Reports the progress of a worker: /status, metrics, and a log line every 10 seconds. */
import type { PushResult } from '../contract/exchange.ts'
import type { WorkerStatus } from '../contract/status.ts'
import type { LoaderStats } from '../input/loader.ts'
import type { WorkerMetrics } from '../metrics/worker.ts'
import type { Log } from '../support/log.ts'

const LOG_EVERY_MS = 10_000
const SMOOTHING = 0.1

export class Reporter {
  readonly #metrics: WorkerMetrics
  readonly #log: Log
  readonly #status: WorkerStatus
  #lastLogMs = performance.now()
  #lastStepMs = performance.now()
  #waitSeconds = 0

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
      examplesPerSecond: 0,
      corruptRecords: 0,
      rssBytes: 0,
      failure: null,
    }
  }

  get status(): WorkerStatus {
    return { ...this.#status, rssBytes: process.memoryUsage.rss() }
  }

  set(facts: Partial<Pick<WorkerStatus, 'phase' | 'backend' | 'failure'>>): void {
    Object.assign(this.#status, facts)
  }

  onStep(examples: number, loss: number, seconds: number, { corruptRecords, waitSeconds }: LoaderStats): void {
    const { steps, samples, stepSeconds, dataWaitSeconds, corruptRecords: corrupt, loss: lossGauge } = this.#metrics
    const nowMs = performance.now()
    const rate = (examples * 1000) / (nowMs - this.#lastStepMs)
    const status = this.#status
    status.examplesPerSecond =
      status.localSteps === 0 ? rate : status.examplesPerSecond + SMOOTHING * (rate - status.examplesPerSecond)
    status.localSteps++
    status.loss = Number.isFinite(loss) ? loss : null
    status.corruptRecords = corruptRecords
    steps.inc()
    samples.inc(examples)
    stepSeconds.observe(seconds)
    dataWaitSeconds.inc(waitSeconds - this.#waitSeconds)
    corrupt.set(corruptRecords)
    lossGauge.set(loss)
    this.#waitSeconds = waitSeconds
    this.#lastStepMs = nowMs
    if (nowMs - this.#lastLogMs < LOG_EVERY_MS) return
    this.#lastLogMs = nowMs
    const { localSteps, examplesPerSecond, rssBytes } = this.status
    this.#log.info(
      { localSteps, loss, examplesPerSecond: Math.round(examplesPerSecond), rssMiB: Math.round(rssBytes / 2 ** 20) },
      'training',
    )
  }

  /** Adds the duration of a pull or a push to the metrics. */
  async timed<T>(exchange: Promise<T>): Promise<T> {
    const startedMs = performance.now()
    try {
      return await exchange
    } finally {
      this.#metrics.exchangeSeconds.inc((performance.now() - startedMs) / 1000)
    }
  }

  onPushed(result: PushResult): void {
    this.#metrics.pushes.inc({ result })
  }

  onNonFinite(): void {
    this.#metrics.nonFinite.inc()
    this.#log.warn({ localSteps: this.#status.localSteps }, 'gradient is not finite and was not pushed')
  }
}
