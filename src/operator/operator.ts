/** Assembles the operator: watches, leader election, work queue, health server, and an orderly shutdown. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { PHASES } from '../api/status.ts'
import { DISCOVERY_PATH } from '../contract/discovery.ts'
import { startProcessServer } from '../http/process-server.ts'
import type { HttpServer } from '../http/server.ts'
import { KubeClient } from '../kube/client.ts'
import { EventRecorder } from '../kube/events.ts'
import { LeaderElector } from '../kube/leader.ts'
import type { Limits } from '../kube/token-bucket.ts'
import { type HandlerResult, WorkQueue } from '../kube/work-queue.ts'
import { exposition } from '../metrics/exposition.ts'
import { createOperatorMetrics, type OperatorMetrics } from '../metrics/operator.ts'
import type { ReconcileResult } from '../metrics/reconcile.ts'
import type { PlanOptions } from '../plan/types.ts'
import { systemClock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage, errorText } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import { Discovery } from './discovery.ts'
import { describeWaiting } from './readiness.ts'
import { Reconciler } from './reconciler.ts'
import { ReportReader } from './runtime-status.ts'
import { createWatches, type Watches } from './watches.ts'

const COMPONENT = 'downpour-operator'
const CONCURRENCY = 16
const WARN_AFTER_MS = 5_000
/** Debounce of pod changes: 50 pods that start at once cause one reconcile. */
const DEBOUNCE_MS = 100
/** Debounce while pods start normally; reconciling more often would compete with their own API requests. */
const START_DEBOUNCE_MS = 500
const DRAIN_MS = 10_000
const FLUSH_MS = 2000
/** Watches are renewed every few minutes, so after such a silence a restart of the process is the best repair. */
const SILENT_MS = 15 * 60_000
const RETRY = { baseDelayMs: 200, maxDelayMs: 60_000 }

export interface OperatorOptions {
  /** Default: KUBECONFIG, ~/.kube/config, then the service account of the pod. */
  kubeconfig?: string
  /** Empty: all namespaces. */
  namespaces: readonly string[]
  leaderElect: boolean
  /** Default: the namespace of the pod, or of the kubeconfig's context. */
  leaseNamespace?: string
  /** Operators in one namespace that watch different namespaces need different names. */
  leaseName?: string
  /** Default: every address. */
  httpHost?: string
  /** Health and metrics; 0: any free port; absent: none. */
  httpPort?: number
  /** Mean seconds between two progress requests to a running job. */
  pollSeconds: number
  /** Maximum number of concurrent reconciles; default 16. */
  concurrency?: number
  /** Rate of requests to the API server. The leader elector has its own client, which they do not limit. */
  kubeLimits?: Partial<Limits>
  defaultImage: string
  /** For pods whose job does not set it. */
  podIds?: PlanOptions['podIds']
  /** Adds the annotations by which some configurations of Prometheus find pods. */
  scrapeAnnotations?: boolean
  /** Bearer key that pods require for their status; absent: none. */
  runtimeKey?: string | undefined
  logLevel: string
}

export class Operator {
  readonly #options: OperatorOptions
  readonly #log: Log
  readonly #client: KubeClient
  readonly #elector: LeaderElector | undefined
  readonly #events: EventRecorder
  readonly #reconciler: Reconciler
  readonly #queue: WorkQueue
  readonly #watches: Watches
  readonly #metrics: OperatorMetrics
  readonly #discovery: Discovery
  readonly #lost = Promise.withResolvers<void>()
  #http: HttpServer | undefined

  constructor(options: OperatorOptions, log: Log) {
    const identity = `${hostname()}-${randomBytes(4).toString('hex')}`
    this.#options = options
    this.#log = log
    const { kubeconfig, kubeLimits } = options
    this.#metrics = createOperatorMetrics({
      version: packageVersion(),
      phases: PHASES,
      concurrency: this.#concurrency(),
      defaults: true,
      jobs: () => this.#reconciler.figures(systemClock.nowMs()),
      nowMs: () => systemClock.monotonicMs(),
    })
    this.#client = new KubeClient({
      ...{ kubeConfig: kubeconfig, log, limits: kubeLimits, userAgent: COMPONENT },
      observer: this.#metrics.requests,
    })
    this.#elector = options.leaderElect ? this.#newElector(identity) : undefined
    this.#events = new EventRecorder({ client: this.#client, log, component: COMPONENT, instance: identity })
    this.#metrics.leader(COMPONENT, () => this.#isLeader())
    this.#watches = createWatches({
      client: this.#client,
      namespaces: options.namespaces,
      log,
      onJob: (key) => this.#queue.add(key),
      onOwned: (key) => this.#queue.addAfter(key, DEBOUNCE_MS),
      onStarting: (key) => this.#queue.addAfter(key, START_DEBOUNCE_MS),
      onGone: (key) => this.#forget(key),
    })
    this.#discovery = new Discovery({
      client: this.#client,
      pods: this.#watches.stores.pods,
      isSynced: () => this.#watches.reflectors.every(({ reflector }) => reflector.stats().synced),
      log,
    })
    this.#reconciler = this.#newReconciler()
    this.#queue = this.#newQueue()
  }

  /** Undefined: it serves no HTTP. */
  get httpPort(): number | undefined {
    return this.#http?.port
  }

  /** Answers probes from the start, even while the API server is unreachable: watches retry without end. */
  async start(): Promise<void> {
    const { httpPort, httpHost } = this.#options
    if (httpPort !== undefined) {
      this.#http = await startProcessServer({
        port: httpPort,
        host: httpHost,
        unhealthyBecause: () => this.#troubles(),
        notReadyBecause: () => describeWaiting(this.#watches) ?? this.#reconciler.trouble,
        metrics: exposition(this.#metrics.registry),
        get: { [DISCOVERY_PATH]: () => this.#discovery.targets() },
      }).catch((error) => {
        const advice = 'pass another with --http-port, or 0 for any free one'
        const message = `--http-port ${httpPort}: ${errorMessage(error)}; ${advice}`
        throw new DownpourError(errorCode(error), message, { port: httpPort }, { cause: error })
      })
    }
    for (const { resource, reflector } of this.#watches.reflectors) {
      this.#metrics.watches(resource, () => reflector.stats())
      reflector.start()
    }
    this.#log.info({ server: this.#client.server, httpPort: this.#http?.port }, 'operator started')
  }

  /** A standby keeps its stores up to date and waits here for the lease. */
  async lead(signal: AbortSignal): Promise<void> {
    await this.#firstLists(signal)
    await this.#elector?.acquire(signal)
    this.#queue.start()
    const { namespaces } = this.#options
    this.#log.info({ namespaces: namespaces.length > 0 ? namespaces : 'all' }, 'reconciling')
  }

  async #firstLists(signal: AbortSignal): Promise<void> {
    const synced = Promise.all(this.#watches.reflectors.map(({ reflector }) => reflector.synced()))
    let logged: string | undefined
    const warningTimer = setInterval(() => {
      const waitingFor = describeWaiting(this.#watches)
      if (waitingFor === logged) return
      logged = waitingFor
      this.#log.warn({ server: this.#client.server, waitingFor }, 'waiting for the API server')
    }, WARN_AFTER_MS)
    try {
      await Promise.race([synced, aborted(signal)])
    } finally {
      clearInterval(warningTimer)
    }
    signal.throwIfAborted()
  }

  /** Resolves when the lease is lost before stop() was called. */
  async lost(): Promise<void> {
    return this.#lost.promise
  }

  /** Ends the writes first and releases the lease afterwards, so that two leaders never write at once. */
  async stop(): Promise<void> {
    await this.#queue.drain(DRAIN_MS)
    await Promise.all(this.#watches.reflectors.map(({ reflector }) => reflector.stop()))
    await this.#flushEvents()
    await this.#elector?.release()
    await this.#client.close()
    await this.#http?.close()
    this.#log.info({}, 'operator stopped')
  }

  /** Cancels its timer, which would otherwise keep the process alive after the last event is written. */
  async #flushEvents(): Promise<void> {
    const flushed = new AbortController()
    const late = systemClock.sleep(FLUSH_MS, flushed.signal).catch(() => undefined)
    await Promise.race([this.#events.flush(), late])
    flushed.abort()
  }

  #newElector(identity: string): LeaderElector {
    return new LeaderElector({
      kubeConfig: this.#options.kubeconfig,
      namespace: this.#options.leaseNamespace ?? this.#client.namespace,
      name: this.#options.leaseName ?? COMPONENT,
      identity,
      log: this.#log,
      onLost: () => this.#lost.resolve(),
    })
  }

  #newReconciler(): Reconciler {
    const { pollSeconds, defaultImage, podIds, scrapeAnnotations = false } = this.#options
    const log = this.#log
    return new Reconciler({
      client: this.#client,
      stores: this.#watches.stores,
      reports: new ReportReader({ log, key: this.#options.runtimeKey, clock: systemClock, freshMs: pollSeconds * 500 }),
      events: this.#events,
      metrics: this.#metrics,
      log,
      clock: systemClock,
      random: Math.random,
      pollMs: pollSeconds * 1000,
      planOptions: { defaultImage, ...(podIds && { podIds }), scrapeAnnotations },
      wake: (key) => this.#queue.add(key),
      isLeader: () => this.#isLeader(),
    })
  }

  #newQueue(): WorkQueue {
    return new WorkQueue({
      name: 'job',
      concurrency: this.#concurrency(),
      log: this.#log,
      observer: this.#metrics.queue,
      ...RETRY,
      handler: (key, signal) => this.#measured(() => this.#reconciler.reconcile(key, signal)),
    })
  }

  async #measured(work: () => Promise<HandlerResult | undefined>): Promise<HandlerResult | undefined> {
    const { queue, reconcile } = this.#metrics
    const startedMs = performance.now()
    const done = queue.working()
    let result: ReconcileResult = 'error'
    reconcile.started()
    try {
      const answer = await work()
      const waitMs = answer?.requeueAfterMs
      result = waitMs === undefined ? 'success' : waitMs === 0 ? 'requeue' : 'requeue_after'
      return answer
    } catch (error) {
      if (isBug(error)) reconcile.panicked()
      throw error
    } finally {
      done()
      reconcile.ended(result, performance.now() - startedMs)
    }
  }

  #forget(key: string): void {
    this.#queue.forget(key)
    this.#reconciler.forget(key)
  }

  #concurrency(): number {
    return this.#options.concurrency ?? CONCURRENCY
  }

  #isLeader(): boolean {
    return this.#elector?.isLeader() ?? true
  }

  #troubles(): string | undefined {
    const silent = this.#watches.reflectors.filter(({ reflector }) => reflector.silentMs() > SILENT_MS)
    // Only watches after their first list: before it the process is not ready, and a restart would not help.
    const broken = silent.filter(({ reflector }) => reflector.stats().synced)
    return broken.length > 0 ? `no answer from the API server about ${broken.map((one) => one.resource)}` : undefined
  }
}

/** Errors of requests and of input have codes; those of a programming mistake have none. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function packageVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    return (JSON.parse(text) as { version: string }).version
  } catch (error) {
    return `unknown (${errorText(error)})`
  }
}
