/**
 * When a worker exchanges weights and gradients with the parameter servers: between two steps, or during the next step
 * (`async.prefetch`), which then computes on weights without the gradient that is being sent.
 */
import type { PushResult } from '../contract/exchange.ts'
import type { RuntimeConfig } from '../contract/runtime.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import type { PullResult, PushRequest, ShardClient } from './client.ts'
import { NonFinite } from './non-finite.ts'
import { PullTiming } from './pull-timing.ts'
import type { Reporter } from './report.ts'

export interface ExchangeOptions {
  config: Pick<RuntimeConfig, 'async' | 'maxNonFinite'>
  /** Connected with `overlap` if the job prefetches. */
  client: Pick<ShardClient, 'pull' | 'push' | 'done'>
  report: Reporter
  /** Absent: that of the machine. */
  clock?: Clock
  log: Log
}

export interface Exchange {
  /** Call before each step. @returns undefined: the step uses the same weights as the one before it */
  weightsFor(step: number): Promise<PullResult | undefined>
  /** Call after a step at most once. The arrays of the request must not change before the step after the next. */
  push(request: PushRequest): Promise<void>
  /** Call after the last step: resolves when every gradient was sent. */
  finish(): Promise<void>
}

export function createExchange(options: ExchangeOptions): Exchange {
  return options.config.async.prefetch ? new OverlappingExchange(options) : new SerialExchange(options)
}

class SerialExchange implements Exchange {
  readonly #options: ExchangeOptions
  readonly #pushes: Pushes
  #mustPull = true

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#pushes = new Pushes(options)
  }

  async weightsFor(step: number): Promise<PullResult | undefined> {
    const { config, client, report } = this.#options
    const mustPull = this.#mustPull
    if (!mustPull && step % config.async.fetchEvery !== 0) return undefined
    const pulled = await report.timed('pull', client.pull())
    this.#mustPull = false
    return pulled.changed || mustPull ? pulled : undefined
  }

  async push(request: PushRequest): Promise<void> {
    this.#mustPull = await this.#options.report.timed('push', this.#pushes.send(request))
  }

  async finish(): Promise<void> {}
}

/**
 * During a step: sends the gradient of the step before, and when that is answered, pulls the weights of the next step, late
 * but in time. So with one worker every step computes on weights that lack exactly the gradient of the step before.
 */
class OverlappingExchange implements Exchange {
  readonly #options: ExchangeOptions
  readonly #pushes: Pushes
  readonly #clock: Clock
  readonly #timing = new PullTiming()
  #unsent: PushRequest | undefined
  /** Absent before the first step. */
  #underWay: Promise<PullResult | undefined> | undefined
  #stepBeganMs = 0
  /** Aborted when the step is over, so that its exchange waits no longer. */
  #step = new AbortController()

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#pushes = new Pushes(options)
  }

  async weightsFor(step: number): Promise<PullResult | undefined> {
    const { config, client, report } = this.#options
    if (this.#underWay) this.#timing.noteStep(this.#clock.monotonicMs() - this.#stepBeganMs)
    this.#step.abort()
    const pulled = await report.timed('pull', this.#underWay ?? client.pull())
    this.#step = new AbortController()
    this.#stepBeganMs = this.#clock.monotonicMs()
    this.#underWay = this.#exchange((step + 1) % config.async.fetchEvery === 0)
    // An error is thrown by the next call, which may not have begun to wait for it.
    this.#underWay.catch(() => {})
    return pulled
  }

  async push(request: PushRequest): Promise<void> {
    this.#unsent = request
  }

  async finish(): Promise<void> {
    this.#step.abort()
    await this.#underWay
  }

  async #exchange(isPullDue: boolean): Promise<PullResult | undefined> {
    const { client } = this.#options
    const request = this.#unsent
    this.#unsent = undefined
    if (client.done) return undefined
    const mustPull = request !== undefined && (await this.#pushes.send(request))
    return !client.done && (isPullDue || mustPull) ? this.#pullLate() : undefined
  }

  async #pullLate(): Promise<PullResult> {
    const { client } = this.#options
    const waitMs = this.#stepBeganMs + this.#timing.startMs - this.#clock.monotonicMs()
    if (waitMs > 0) await this.#clock.sleep(waitMs, this.#step.signal).catch(() => {})
    const startedMs = this.#clock.monotonicMs()
    const pulled = await client.pull()
    this.#timing.notePull(this.#clock.monotonicMs() - startedMs)
    return pulled
  }
}

/** The results after which the worker must pull before the next step. */
const PULL_AFTER: ReadonlySet<PushResult> = new Set(['stale', 'incarnation', 'wait', 'nonfinite'])

class Pushes {
  readonly #options: ExchangeOptions
  readonly #bad: NonFinite

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#bad = new NonFinite(options.config.maxNonFinite)
  }

  /** @returns whether the worker must pull. @throws DownpourError NON_FINITE, and what the client throws */
  async send(request: PushRequest): Promise<boolean> {
    const { client, report, log } = this.#options
    const { result, step } = await client.push(request)
    report.onPushed(result)
    if (result === 'nonfinite') this.#bad.note(request.loss)
    else this.#bad.reset()
    const mustPull = PULL_AFTER.has(result)
    if (mustPull) log.info({ result, step }, 'push not applied, pulling again')
    return mustPull
  }
}
