import { backoffMs } from '../support/backoff.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { KubeError } from './errors.ts'

export interface HandlerResult {
  /** Requeues the key after this time, for changes that no event announces: deadlines, TTLs. */
  requeueAfterMs?: number | undefined
}

/** Receives the measurements of a queue; all methods are optional. Durations in milliseconds. */
export interface QueueObserver {
  /** Keys waiting to be handled, whenever that changes. */
  depth?(keys: number): void
  added?(): void
  /** With the time that the key had waited. */
  started?(waitedMs: number): void
  finished?(outcome: 'success' | 'error', tookMs: number): void
  /** A failed key is requeued after `delayMs`. */
  retried?(delayMs: number): void
}

export interface WorkQueueOptions {
  /** Name of the queue in log lines. */
  name: string
  /** Maximum number of keys handled at the same time. */
  concurrency: number
  /** If it throws, the key is requeued after a back-off. The signal fires when a drain times out. */
  handler: (key: string, signal: AbortSignal) => Promise<HandlerResult | undefined>
  log: Log
  /** Milliseconds before the first repeat of a failed key; doubles each time. Default 5. */
  baseDelayMs?: number | undefined
  /** Default 60 000. */
  maxDelayMs?: number | undefined
  observer?: QueueObserver | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
}

interface Delayed {
  dueMs: number
  cancel: AbortController
}

/**
 * A queue of keys to reconcile. A key waits at most once and is never handled twice at the same time; a key that is
 * added while it is handled is handled again afterwards. So no change is missed, and a burst of changes costs one
 * reconcile.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #clock: Clock
  /** key -> when it was added. Insertion order is the order of work; disjoint from #running. */
  readonly #waiting = new Map<string, number>()
  readonly #running = new Set<string>()
  /** Keys added while running; always a subset of #running. */
  readonly #dirty = new Set<string>()
  /** At most one timer for each key, the earliest requested. */
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  /** Message of the last failure of each key; the same keys as #failures. */
  readonly #lastErrors = new Map<string, string>()
  readonly #drainTimeout = new AbortController()
  #state: 'idle' | 'started' | 'draining' = 'idle'
  #whenIdle: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Keys waiting: not those running, not those delayed. */
  get depth(): number {
    return this.#waiting.size
  }

  /** Consecutive failures of this key. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** Starts handling; keys may be added before. */
  start(): void {
    if (this.#state === 'idle') this.#state = 'started'
    this.#pump()
  }

  add(key: string): void {
    if (this.#state === 'draining') return
    this.#options.observer?.added?.()
    if (this.#running.has(key)) this.#dirty.add(key)
    else this.#enqueue(key)
  }

  /** Adds the key later. The shortest of several delays counts: an extra reconcile does no harm, but a late one may. */
  addAfter(key: string, delayMs: number): void {
    if (this.#state === 'draining') return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    const dueMs = this.#clock.monotonicMs() + delayMs
    const other = this.#delayed.get(key)
    if (other && other.dueMs <= dueMs) return
    other?.cancel.abort()
    const cancel = new AbortController()
    this.#delayed.set(key, { dueMs, cancel })
    this.#clock.sleep(delayMs, cancel.signal).then(
      () => {
        this.#delayed.delete(key)
        this.add(key)
      },
      () => undefined,
    )
  }

  /** Call it when the object is gone: clears back-off and delay. A key that already waits is still handled once. */
  forget(key: string): void {
    this.#clear(key)
    this.#cancelDelay(key)
  }

  /**
   * Accepts no keys and waits for running handlers; after `timeoutMs` their signal fires. Waiting keys are dropped,
   * because the next leader lists all objects anyway.
   */
  async drain(timeoutMs = 10_000): Promise<void> {
    this.#state = 'draining'
    for (const key of [...this.#delayed.keys()]) this.#cancelDelay(key)
    this.#waiting.clear()
    this.#dirty.clear()
    this.#options.observer?.depth?.(0)
    if (this.#running.size === 0) return
    const idle = Promise.withResolvers<void>()
    this.#whenIdle = idle.resolve
    const timer = new AbortController()
    const timeout = this.#clock.sleep(timeoutMs, timer.signal).then(
      () => this.#drainTimeout.abort(),
      () => undefined,
    )
    await idle.promise
    timer.abort()
    await timeout
  }

  #enqueue(key: string): void {
    if (!this.#waiting.has(key)) this.#waiting.set(key, this.#clock.monotonicMs())
    this.#options.observer?.depth?.(this.#waiting.size)
    this.#pump()
  }

  #pump(): void {
    if (this.#state !== 'started') return
    for (const [key, addedMs] of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return
      this.#waiting.delete(key)
      this.#running.add(key)
      this.#options.observer?.depth?.(this.#waiting.size)
      void this.#handle(key, addedMs)
    }
  }

  async #handle(key: string, addedMs: number): Promise<void> {
    const { observer, handler } = this.#options
    const startedMs = this.#clock.monotonicMs()
    observer?.started?.(startedMs - addedMs)
    let outcome: 'success' | 'error' = 'success'
    try {
      const result = await handler(key, this.#drainTimeout.signal)
      this.#clear(key)
      if (result?.requeueAfterMs !== undefined) this.addAfter(key, result.requeueAfterMs)
    } catch (error) {
      outcome = 'error'
      this.#retry(key, error)
    }
    observer?.finished?.(outcome, this.#clock.monotonicMs() - startedMs)
    this.#release(key)
  }

  #release(key: string): void {
    this.#running.delete(key)
    if (this.#dirty.delete(key)) this.#enqueue(key)
    if (this.#running.size === 0) this.#whenIdle?.()
    this.#pump()
  }

  #retry(key: string, error: unknown): void {
    const { name, log, baseDelayMs = 5, maxDelayMs = 60_000, random = Math.random } = this.#options
    const failures = this.failures(key)
    this.#failures.set(key, failures + 1)
    const askedMs = error instanceof KubeError ? (error.retryAfterSeconds ?? 0) * 1000 : 0
    const delayMs = askedMs + backoffMs(failures, { baseMs: baseDelayMs, capMs: maxDelayMs }, random)
    const facts = {
      queue: name,
      key,
      code: errorCode(error),
      error: errorMessage(error),
      failures: failures + 1,
      delayMs,
    }
    // A repeated failure is logged once; metrics show that it continues.
    const isNew = this.#lastErrors.get(key) !== facts.error
    this.#lastErrors.set(key, facts.error)
    log[isNew ? 'warn' : 'debug'](facts, 'reconcile failed, will retry')
    this.#options.observer?.retried?.(delayMs)
    this.addAfter(key, delayMs)
  }

  #clear(key: string): void {
    this.#failures.delete(key)
    this.#lastErrors.delete(key)
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.cancel.abort()
    this.#delayed.delete(key)
  }
}
