import { type BackoffBounds, backoffMs } from '../support/backoff.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { KubeClient } from './client.ts'
import type { WatchEvent } from './client-options.ts'
import { KubeError, statusError } from './errors.ts'
import { Intake, type IntakeOptions } from './intake.ts'
import { type Collection, compareVersions, type KubeObject } from './objects.ts'
import { openScope, type Scope } from './scope.ts'
import type { Store } from './store.ts'

export type { Change } from './intake.ts'

export interface ReflectorOptions<T extends KubeObject> extends IntakeOptions<T> {
  client: KubeClient
  resource: Collection
  labelSelector?: string | undefined
  /**
   * Milliseconds without data after which a watch counts as dead; bookmarks arrive about once a minute. Default 90 000.
   */
  idleMs?: number | undefined
  /** Default 200 ms to 30 s. */
  backoff?: BackoffBounds | undefined
  signal?: AbortSignal | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
}

export interface ReflectorStats {
  synced: boolean
  relists: number
  reconnects: number
  /** Watches refused because the API server no longer has their resourceVersion. */
  expired: number
  events: number
  /** Partial lines and lines that are not JSON; each causes a new list. */
  tornLines: number
  /** Failed lists and watches, torn lines included. */
  errors: number
  handlerErrors: number
  /** Objects that were older than the stored ones. */
  staleObjects: number
  /** Why it cannot list or watch since the last success; undefined: it can, or failed only briefly. */
  trouble: string | undefined
  /** Unix milliseconds of the last list and of the last event or bookmark; 0: never. */
  lastSyncMs: number
  lastEventMs: number
}

const BACKOFF: BackoffBounds = { baseMs: 200, capMs: 30_000 }
/** Consecutive failures of the watch after which its resourceVersion is dropped and everything is listed again. */
const RELIST_AFTER = 3
/** Consecutive failures after which the trouble is reported: a watch that breaks now and then is normal. */
const REPORT_AFTER = 3
/** Consecutive outdated lists after which they are accepted: the cluster was restored from a backup. */
const ACCEPT_STALE_AFTER = 3

/**
 * Keeps a copy of a collection: lists it, then watches from that version. Only `stop` or its signal ends it; refused
 * connections, partial lines, expired versions and throwing handlers do not.
 * @example const pods = new Reflector({ client, resource: { apiVersion: 'v1', plural: 'pods' }, log, onKey: (key) =>
 * queue.add(key) }) pods.start(); await pods.synced()
 */
export class Reflector<T extends KubeObject = KubeObject> {
  readonly store: Store<T>
  readonly #intake: Intake<T>
  readonly #options: ReflectorOptions<T>
  readonly #log: Log
  readonly #clock: Clock
  readonly #random: () => number
  readonly #stopping: Scope
  readonly #synced = Promise.withResolvers<void>()
  readonly #stats = {
    synced: false,
    relists: 0,
    reconnects: 0,
    expired: 0,
    events: 0,
    tornLines: 0,
    errors: 0,
    lastSyncMs: 0,
    lastEventMs: 0,
  }
  #running: Promise<void> | undefined
  /** Where to watch from; undefined: list first. */
  #version: string | undefined
  #newestVersion = ''
  #staleLists = 0
  #failures = 0
  #watchFailures = 0
  #lastContactMs = 0
  /** When the API server accepted the current watch; undefined: not yet. */
  #openedMs: number | undefined
  #errorsInRow = 0
  #trouble: string | undefined

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
    this.#log = options.log.child({ resource: options.resource.plural })
    this.#intake = new Intake<T>({ ...options, log: this.#log })
    this.store = this.#intake.store
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#stopping = openScope([options.signal])
    // Prevents an unhandled rejection if no caller waits for the sync.
    this.#synced.promise.catch(() => undefined)
  }

  /** Further calls have no effect. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when the last request has ended and no handler will be called again. */
  async stop(): Promise<void> {
    this.#stopping.close()
    await this.#running
  }

  /** Resolves when the first full list is in the store; rejects if stopped before. */
  synced(): Promise<void> {
    return this.#synced.promise
  }

  stats(): Readonly<ReflectorStats> {
    const { handlerErrors, staleObjects } = this.#intake
    return { ...this.#stats, handlerErrors, staleObjects, trouble: this.#trouble }
  }

  /** Monotonic milliseconds since the last answer or event of the API server, for the health check. */
  silentMs(): number {
    return this.#clock.monotonicMs() - this.#lastContactMs
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    this.#lastContactMs = this.#clock.monotonicMs()
    while (!signal.aborted) {
      this.#openedMs = undefined
      let waitMs = 0
      try {
        if (this.#version === undefined) await this.#relist()
        await this.#watch()
      } catch (error) {
        if (signal.aborted) break
        waitMs = this.#noteFailure(error)
      }
      const bounds = this.#options.backoff ?? BACKOFF
      // A watch that lasted for a while did not fail, even without an event: load balancers close idle connections.
      if (this.#heldMs() > bounds.baseMs) this.#failures = 0
      waitMs += backoffMs(this.#failures++, bounds, this.#random)
      this.#stats.reconnects++
      await this.#clock.sleep(waitMs, signal).catch(() => undefined)
    }
    this.#synced.reject(signal.reason)
  }

  async #relist(): Promise<void> {
    const { client, resource, labelSelector, trim } = this.#options
    this.#stats.relists++
    const list = await client.list<T>(resource, { labelSelector, trim, signal: this.#stopping.signal })
    this.#intake.listed(list.items, this.#acceptList(list.resourceVersion) === 'reset')
    this.#version = list.resourceVersion
    this.#watchFailures = 0
    this.#stats.lastSyncMs = this.#clock.nowMs()
    this.#lastContactMs = this.#clock.monotonicMs()
    this.#stats.synced = true
    this.#synced.resolve()
  }

  /**
   * An outdated list comes from an API server that lags behind: storing it would delete existing objects. If several
   * lists in a row are outdated, the cluster was restored from a backup and its versions start lower.
   */
  #acceptList(version: string): 'normal' | 'reset' {
    if (compareVersions(version, this.#newestVersion) >= 0) {
      this.#staleLists = 0
      this.#newestVersion = version
      return 'normal'
    }
    if (++this.#staleLists < ACCEPT_STALE_AFTER) {
      throw new KubeError('KUBE_STALE_LIST', `list at version ${version} after ${this.#newestVersion} was seen`, {
        httpStatus: 200,
        reason: 'StaleList',
      })
    }
    this.#log.warn({ version, seen: this.#newestVersion }, 'resource versions decreased; accepting the list')
    this.#staleLists = 0
    this.#newestVersion = version
    return 'reset'
  }

  async #watch(): Promise<void> {
    const { client, resource, labelSelector, idleMs } = this.#options
    const events = client.watch<T>(resource, {
      labelSelector,
      idleMs,
      resourceVersion: this.#version,
      // Random, so that the watches of all controllers do not reconnect at the same moment.
      timeoutSeconds: Math.round(240 + 240 * this.#random()),
      onOpen: () => {
        this.#openedMs = this.#clock.monotonicMs()
        this.#noteContact()
      },
      signal: this.#stopping.signal,
    })
    for await (const event of events) {
      if (this.#stopping.signal.aborted) return
      this.#receive(event)
    }
  }

  #heldMs(): number {
    return this.#openedMs === undefined ? 0 : this.#clock.monotonicMs() - this.#openedMs
  }

  #receive(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') {
      throw statusError(`WATCH ${this.#options.resource.plural}`, event.object.code ?? 500, event.object)
    }
    this.#stats.lastEventMs = this.#clock.nowMs()
    this.#noteContact()
    this.#failures = 0
    this.#watchFailures = 0
    const version = event.object.metadata?.resourceVersion
    if (event.type !== 'BOOKMARK') {
      this.#stats.events++
      if (event.type === 'DELETED') this.#intake.deleted(event.object)
      else this.#intake.changed(event.object)
    }
    if (version === undefined) return
    this.#version = version
    if (compareVersions(version, this.#newestVersion) > 0) this.#newestVersion = version
  }

  #noteContact(): void {
    this.#lastContactMs = this.#clock.monotonicMs()
    this.#errorsInRow = 0
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#log.info({}, 'watching again')
  }

  /** Logs a failure once, and again only if its cause changes. */
  #noteTrouble(error: unknown, isAnswer: boolean): void {
    if (++this.#errorsInRow < REPORT_AFTER && (this.#stats.synced || !isAnswer)) return
    const text = errorMessage(error)
    if (text !== this.#trouble) this.#log.warn({ code: errorCode(error), error: text }, 'cannot watch, retrying')
    this.#trouble = text
  }

  /** Decides whether to watch from the last version or to list again. @returns the milliseconds of Retry-After */
  #noteFailure(error: unknown): number {
    this.#stats.errors++
    const { code, httpStatus, retryAfterSeconds } =
      error instanceof KubeError ? error : { code: errorCode(error), httpStatus: 0, retryAfterSeconds: 0 }
    if (code === 'KUBE_TORN_LINE') this.#stats.tornLines++
    if (httpStatus === 410) this.#stats.expired++
    if (httpStatus !== 0) this.#watchFailures++
    const isTransient = httpStatus === 0 || httpStatus === 429 || httpStatus >= 500
    if (code === 'KUBE_TORN_LINE' || !isTransient || this.#watchFailures >= RELIST_AFTER) this.#version = undefined
    this.#noteTrouble(error, httpStatus !== 0)
    this.#log.debug({ code, error: errorMessage(error), relist: this.#version === undefined }, 'watch interrupted')
    return (retryAfterSeconds ?? 0) * 1000
  }
}
