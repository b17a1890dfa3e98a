import { type Clock, systemClock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import type {
  ApplyOptions,
  CreateOptions,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  ListResult,
  Waiting,
  WatchEvent,
  WatchOptions,
} from './client-options.ts'
import { type Connection, openConnection } from './connection.ts'
import { isGone, isNotFound, transportError } from './errors.ts'
import { type Collection, type KubeObject, type Ref, resourcePath } from './objects.ts'
import { DEFAULT_RETRY, NO_RETRY, type RetryPolicy, withRetry } from './retry.ts'
import { openScope, type Scope } from './scope.ts'
import { DEFAULT_LIMITS, TokenBucket } from './token-bucket.ts'
import { type ApiRequest, factsOf, send, stream, type Transport } from './transport.ts'

export const FIELD_MANAGER = 'downpour'
const PAGE = 500
const APPLY = 'application/apply-patch+yaml'

interface ListAnswer<T> {
  apiVersion?: string
  kind?: string
  metadata?: { resourceVersion?: string; continue?: string }
  items?: T[] | null
}

/**
 * Reads and writes Kubernetes objects as untyped JSON. GET, PUT, DELETE and server-side apply are repeated on 429, 5xx
 * and connection errors; POST and merge patches never are: the caller's next reconcile does that, since names are
 * computed. Every method throws KubeError, or the reason of an aborted signal.
 */
export class KubeClient {
  readonly server: string
  /** The namespace of the kubeconfig's context, or of the pod we run in. */
  readonly namespace: string
  readonly #transport: Transport
  readonly #connection: Connection
  readonly #limiter: TokenBucket
  readonly #retry: RetryPolicy
  readonly #clock: Clock
  readonly #random: () => number
  readonly #log: Log
  readonly #lifetime: Scope

  constructor(options: KubeClientOptions) {
    this.#connection = openConnection(options.kubeConfig)
    this.server = this.#connection.shownServer
    this.namespace = this.#connection.namespace
    this.#transport = {
      connection: this.#connection,
      userAgent: options.userAgent ?? FIELD_MANAGER,
      timeoutMs: options.timeoutMs ?? 30_000,
      host: new URL(this.#connection.server).host,
      observer: options.observer,
    }
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#limiter = new TokenBucket({ ...DEFAULT_LIMITS, ...options.limits }, this.#clock)
    this.#retry = { ...DEFAULT_RETRY, ...options.retry }
    this.#log = options.log
    this.#lifetime = openScope([options.signal])
  }

  async get<T extends KubeObject = KubeObject>(ref: Ref, options: Waiting = {}): Promise<T> {
    return (await this.#call({ method: 'GET', path: resourcePath(ref) }, options)) as T
  }

  /** Undefined instead of a 404. */
  async find<T extends KubeObject = KubeObject>(ref: Ref, options: Waiting = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(ref, options)
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  /** Every object, in pages of 500; items carry apiVersion and kind, which the API server leaves out. */
  async list<T extends KubeObject = KubeObject>(
    where: Collection,
    options: ListOptions<T> = {},
  ): Promise<ListResult<T>> {
    try {
      return await this.#listPages<T>(where, options, PAGE)
    } catch (error) {
      // The snapshot of the continue token was compacted between two pages: request everything in one answer.
      if (isGone(error)) return this.#listPages<T>(where, options, undefined)
      throw error
    }
  }

  async #listPages<T extends KubeObject>(
    where: Collection,
    options: ListOptions<T>,
    limit: number | undefined,
  ): Promise<ListResult<T>> {
    const { labelSelector, fieldSelector, trim = (item: T) => item } = options
    const items: T[] = []
    let page: ListAnswer<T> = {}
    do {
      const query = { labelSelector, fieldSelector, limit, continue: page.metadata?.continue }
      page = (await this.#call({ method: 'GET', path: resourcePath(where), query }, options)) as ListAnswer<T>
      const { apiVersion, kind = '' } = page
      const type = { ...(apiVersion ? { apiVersion } : {}), ...(kind ? { kind: kind.replace(/List$/, '') } : {}) }
      for (const item of page.items ?? []) items.push(trim({ ...type, ...item }))
    } while (page.metadata?.continue)
    return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }

  /** @throws 409 AlreadyExists; see createOrAdopt */
  async create<T extends KubeObject>(where: Collection, object: T, options: CreateOptions = {}): Promise<T> {
    const path = resourcePath({ apiVersion: where.apiVersion, plural: where.plural, namespace: where.namespace })
    const dryRun = options.dryRun ? { dryRun: 'All', fieldValidation: 'Strict' } : {}
    const query = { fieldManager: FIELD_MANAGER, ...dryRun }
    return (await this.#call({ method: 'POST', path, query, body: object }, options)) as T
  }

  /**
   * PUT of the whole object, or of its status with `subresource: 'status'`. @throws 409 Conflict if its resourceVersion
   * is outdated
   */
  async replace<T extends KubeObject>(ref: Ref, object: T, options: Waiting = {}): Promise<T> {
    const query = { fieldManager: FIELD_MANAGER }
    return (await this.#call({ method: 'PUT', path: resourcePath(ref), query, body: object }, options)) as T
  }

  /**
   * Server-side apply: creates or updates the given fields and removes fields that this manager applied before but no
   * longer gives. It takes over fields of other managers, or throws a conflict if `force` is false.
   */
  async apply<T extends KubeObject>(ref: Ref, object: KubeObject, options: ApplyOptions = {}): Promise<T> {
    const { fieldManager = FIELD_MANAGER, force = true, dryRun } = options
    const query = { fieldManager, force, ...(dryRun ? { dryRun: 'All' } : {}) }
    return (await this.#patch(ref, object, APPLY, query, options)) as T
  }

  /** RFC 7396: null removes a field, a list replaces the list. */
  async mergePatch<T extends KubeObject = KubeObject>(
    ref: Ref,
    patch: object,
    options: Waiting & { fieldManager?: string } = {},
  ): Promise<T> {
    const { fieldManager = FIELD_MANAGER } = options
    return (await this.#patch(ref, patch, 'application/merge-patch+json', { fieldManager }, options)) as T
  }

  /** False: the object did not exist. @throws 409 Conflict if the uid or resourceVersion differs */
  async delete(ref: Ref, options: DeleteOptions = {}): Promise<boolean> {
    const { uid, resourceVersion, gracePeriodSeconds, propagationPolicy } = options
    const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion }
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, gracePeriodSeconds, propagationPolicy }
    try {
      await this.#call({ method: 'DELETE', path: resourcePath(ref), body }, options)
      return true
    } catch (error) {
      if (isNotFound(error)) return false
      throw error
    }
  }

  /**
   * The raw events of one watch, with bookmarks, until the server ends it. The caller handles errors, as Reflector
   * does.
   * @throws KubeError with KUBE_TORN_LINE for a partial line or one that is not JSON
   */
  async *watch<T extends KubeObject = KubeObject>(
    where: Collection,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    const { labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = options
    const query = {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector,
      fieldSelector,
      resourceVersion,
      timeoutSeconds,
    }
    const call: ApiRequest = { method: 'GET', path: resourcePath(where), query }
    const scope = openScope([this.#lifetime.signal, options.signal])
    try {
      await this.#takeToken(call, scope.signal)
      const { idleMs = 90_000, onOpen } = options
      const lines = stream(this.#transport, call, { idleMs, onOpen }, scope.signal)
      for await (const line of lines) yield parseEvent<T>(line, call.path)
    } finally {
      scope.close()
    }
  }

  /** Ends every request and watch of this client and closes its connections. */
  async close(): Promise<void> {
    this.#lifetime.close()
    await this.#connection.close()
  }

  async #takeToken(call: ApiRequest, signal: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs()
    await this.#limiter.take(signal)
    this.#transport.observer?.limited(factsOf(this.#transport, call), (this.#clock.monotonicMs() - startedMs) / 1000)
  }

  #patch(
    ref: Ref,
    body: object,
    contentType: string,
    query: Record<string, string | boolean>,
    options: Waiting,
  ): Promise<unknown> {
    return this.#call({ method: 'PATCH', path: resourcePath(ref), query, body, contentType }, options)
  }

  async #call(call: ApiRequest, waiting: Waiting): Promise<unknown> {
    const scope = openScope([this.#lifetime.signal, waiting.signal])
    const attempt = async () => {
      await this.#takeToken(call, scope.signal)
      return send(this.#transport, call, scope.signal)
    }
    try {
      return await withRetry(attempt, isRepeatable(call) ? this.#retry : NO_RETRY, {
        clock: this.#clock,
        random: this.#random,
        signal: scope.signal,
        onRetry: (error, attempt, waitMs) => {
          this.#log.debug({ request: error.details.request, code: error.code, attempt, waitMs }, 'request repeated')
          this.#transport.observer?.retried(factsOf(this.#transport, call), error.httpStatus)
        },
      })
    } finally {
      scope.close()
    }
  }
}

/** Whether a repeat after a lost answer does no harm: true for apply, but not for POST. */
function isRepeatable(call: ApiRequest): boolean {
  if (call.method === 'PATCH') return call.contentType === APPLY
  return call.method !== 'POST'
}

function parseEvent<T>(line: string, path: string): WatchEvent<T> {
  try {
    const event = JSON.parse(line) as WatchEvent<T>
    if (typeof event?.type === 'string' && typeof event.object === 'object' && event.object !== null) return event
  } catch (error) {
    throw transportError('KUBE_TORN_LINE', `WATCH ${path}`, `not JSON: ${line.slice(0, 80)}`, error)
  }
  throw transportError('KUBE_TORN_LINE', `WATCH ${path}`, `not a watch event: ${line.slice(0, 80)}`)
}

/** Opens no socket yet. @throws KUBE_CONFIG_INVALID, KUBE_INSECURE_SERVER, INVALID_LIMITS */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  return new KubeClient(options)
}
