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
  /** Milliseconds of silence after which a watch counts as dead; bookmarks come about once a minute. Default 90 000. */
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
  /** Watches refused because the API server no longer has the version they go on from. */
  expired: number
  events: number
  /** Half or non-JSON lines; each cost a relist. */
  tornLines: number
  /** Failed lists and watches, torn lines included. */
  errors: number
  handlerErrors: number
  /** Objects that were older than what the store already had. */
  staleObjects: number
  /** What keeps it from listing or watching, since the last success; undefined: nothing, or nothing for long. */
  trouble: string | undefined
  /** Unix milliseconds of the last list and of the last event or bookmark; 0: never. */
  lastSyncMs: number
  lastEventMs: number
}

const BACKOFF: BackoffBounds = { baseMs: 200, capMs: 30_000 }
/** Failures in a row of the watch alone, after which its resourceVersion is doubted and everything listed anew. */
const DOUBT_AFTER = 3
/** Failures in a row after which it is a trouble to tell: a watch that breaks now and then is ordinary. */
const TELL_AFTER = 3
/** Lists in a row that are older than what was seen before they count as the truth: the cluster came back from a backup. */
const ACCEPT_STALE_AFTER = 3

/**
 * Keeps a copy of a collection: list, then watch from there, forever. Nothing ends it but `stop` or its signal: not a
 * refused connection, a torn line, an expired version, nor a throwing handler.
 * @example const pods = new Reflector({ client, resource: { apiVersion: 'v1', plural: 'pods' }, log, onKey: (key) => queue.add(key) })
 *          pods.start(); await pods.synced()
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
  /** When the API server agreed to the present watch; undefined: not yet. */
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
    // Nobody may be waiting for the sync when it is given up.
    this.#synced.promise.catch(() => undefined)
  }

  /** Once; further calls change nothing. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves when the last request has ended and no handler will be called any more. */
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

  /** Monotonic milliseconds since the API server last said something: the figure for a health check. */
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
      // A watch that held for a while did not fail, even if nothing happened in it: balancers cut what is idle.
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
   * A list older than what we saw comes from an API server that lags behind: taking it would delete what is alive. If
   * the server insists, the cluster was restored from a backup and its numbers start lower.
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
    this.#log.warn({ version, seen: this.#newestVersion }, 'resource versions went back; taking the list as it is')
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
      // Spread out, or all watches of all controllers would reconnect at the same moment for ever.
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

  /** Told once when it begins, and again only if its cause is another one. */
  #noteTrouble(error: unknown, isAnswer: boolean): void {
    if (++this.#errorsInRow < TELL_AFTER && (this.#stats.synced || !isAnswer)) return
    const text = errorMessage(error)
    if (text !== this.#trouble) this.#log.warn({ code: errorCode(error), error: text }, 'cannot watch, trying on')
    this.#trouble = text
  }

  /** Decides between watching on and listing anew; returns the milliseconds that the server asked for. */
  #noteFailure(error: unknown): number {
    this.#stats.errors++
    const { code, httpStatus, retryAfterSeconds } =
      error instanceof KubeError ? error : { code: errorCode(error), httpStatus: 0, retryAfterSeconds: 0 }
    if (code === 'KUBE_TORN_LINE') this.#stats.tornLines++
    if (httpStatus === 410) this.#stats.expired++
    if (httpStatus !== 0) this.#watchFailures++
    const isTransient = httpStatus === 0 || httpStatus === 429 || httpStatus >= 500
    if (code === 'KUBE_TORN_LINE' || !isTransient || this.#watchFailures >= DOUBT_AFTER) this.#version = undefined
    this.#noteTrouble(error, httpStatus !== 0)
    this.#log.debug({ code, error: errorMessage(error), relist: this.#version === undefined }, 'watch interrupted')
    return (retryAfterSeconds ?? 0) * 1000
  }
}
