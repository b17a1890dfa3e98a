import { type Clock, systemClock } from '../support/clock.ts'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { ObjectMeta } from '../support/object-meta.ts'
import { createKubeClient, type KubeClient } from './client.ts'
import { isAlreadyExists, isConflict } from './errors.ts'
import { openScope } from './scope.ts'

export interface LeaderOptions {
  /** As for KubeClient. The elector has its own client, so that a stuck connection pool does not cost the lease. */
  kubeConfig?: string | undefined
  namespace: string
  /** Name of the Lease. */
  name: string
  /** Unique to this process, also across restarts: pod name and a random part. */
  identity: string
  log: Log
  /** Called once if the lease is lost before `release`: stop writing and exit. */
  onLost: () => void
  /** How long others wait after the last renewal that they observed; default 15 000 ms. */
  leaseDurationMs?: number | undefined
  /** The leader stops leading this long after its last renewal; default 10 000 ms, less than the lease. */
  renewDeadlineMs?: number | undefined
  /** Between two attempts; default 2000 ms. */
  retryPeriodMs?: number | undefined
  clock?: Clock | undefined
  random?: (() => number) | undefined
}

interface LeaseSpec {
  holderIdentity?: string | null
  leaseDurationSeconds?: number
  /** metav1.MicroTime: `2026-01-31T12:00:00.000000Z`. */
  acquireTime?: string
  renewTime?: string
  leaseTransitions?: number
}

interface Lease {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  spec?: LeaseSpec
}

/**
 * Leader election: at most one process leads. A lease counts as expired when this process has seen no change of it for
 * the lease's duration on its own monotonic clock, because the times in the lease come from another machine's clock.
 */
export class LeaderElector {
  readonly #options: LeaderOptions
  readonly #timing: { leaseMs: number; deadlineMs: number; retryMs: number }
  readonly #client: KubeClient
  readonly #clock: Clock
  readonly #random: () => number
  readonly #stopping = new AbortController()
  /** The last observed lease, and when it was first observed in that state. */
  #observed: { record: string; atMs: number; leaseMs: number } = { record: '', atMs: 0, leaseMs: 0 }
  /** Time before the renewing request was sent, so that this process never trusts the lease longer than others do. */
  #renewedMs: number | undefined
  #renewing: Promise<void> | undefined
  #lost = false

  /** @throws INVALID_LEASE_TIMING, and what createKubeClient throws */
  constructor(options: LeaderOptions) {
    const { leaseDurationMs: leaseMs = 15_000, renewDeadlineMs: deadlineMs = 10_000 } = options
    this.#timing = { leaseMs, deadlineMs, retryMs: options.retryPeriodMs ?? 2_000 }
    if (!(leaseMs > deadlineMs && deadlineMs > this.#timing.retryMs && this.#timing.retryMs > 0)) {
      throw new DownpourError(
        'INVALID_LEASE_TIMING',
        `lease timing: got ${JSON.stringify(this.#timing)}, expected leaseMs > deadlineMs > retryMs > 0`,
      )
    }
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#client = createKubeClient({
      kubeConfig: options.kubeConfig,
      log: options.log,
      // The loop below retries, and a stuck request must leave time for a second one.
      retry: { attempts: 1 },
      timeoutMs: deadlineMs / 2,
      userAgent: 'downpour-leader',
    })
  }

  /**
   * True only while this process certainly holds the lease. Check it before every write: a process that was paused past
   * its lease notices it here before any timer fires.
   */
  isLeader(): boolean {
    return this.#renewedMs !== undefined && this.#clock.monotonicMs() - this.#renewedMs < this.#timing.deadlineMs
  }

  /** Resolves when this process leads; it then renews the lease until release. Rejects on abort or release. */
  async acquire(signal?: AbortSignal): Promise<void> {
    const scope = openScope([this.#stopping.signal, signal])
    try {
      while (!(await this.#tryOnce(scope.signal))) {
        await this.#clock.sleep(this.#pauseMs(), scope.signal)
      }
    } finally {
      scope.close()
    }
    this.#options.log.info({ lease: this.#options.name, identity: this.#options.identity }, 'leading')
    this.#renewing = this.#renew()
  }

  /** Short enough to date the holder's last renewal, and to end when the lease expires. */
  #pauseMs(): number {
    const { atMs, leaseMs } = this.#observed
    const leftMs = atMs + leaseMs - this.#clock.monotonicMs()
    const retryMs = this.#timing.retryMs * (0.5 + 0.5 * this.#random())
    return leftMs > 0 ? Math.min(retryMs, leftMs) : retryMs
  }

  /** Stops renewing, gives the lease up and closes the client. Finish all writes first. */
  async release(): Promise<void> {
    this.#stopping.abort()
    await this.#renewing
    if (!this.#lost) await this.#handOver()
    this.#renewedMs = undefined
    await this.#client.close()
  }

  async #renew(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#clock.sleep(this.#timing.retryMs, signal).catch(() => undefined)
      // After the deadline, as in a paused process, the lease is not renewed: `isLeader` has been false in between.
      if (this.isLeader()) await this.#renewOnce(signal)
      if (!signal.aborted && !this.isLeader()) this.#lose()
    }
  }

  /** Stops waiting for the request when the renew deadline has passed. */
  async #renewOnce(signal: AbortSignal): Promise<void> {
    const scope = openScope([signal])
    const leftMs = this.#timing.deadlineMs - (this.#clock.monotonicMs() - (this.#renewedMs ?? 0))
    const deadline = this.#clock.sleep(leftMs, scope.signal).catch(() => undefined)
    try {
      await Promise.race([this.#tryOnce(scope.signal).catch(() => undefined), deadline])
    } finally {
      scope.close()
    }
  }

  #lose(): void {
    this.#lost = true
    this.#renewedMs = undefined
    this.#stopping.abort()
    this.#options.log.error({ lease: this.#options.name, identity: this.#options.identity }, 'leadership lost')
    this.#options.onLost()
  }

  /** Reads the lease once and writes it if it is free or held by this process. @returns false also after an error */
  async #tryOnce(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#takeOrRenew(signal)
    } catch (error) {
      signal.throwIfAborted()
      // Another process was faster.
      if (isConflict(error) || isAlreadyExists(error)) return false
      this.#options.log.warn({ code: errorCode(error), error: errorMessage(error) }, 'lease not read or written')
      return false
    }
  }

  async #takeOrRenew(signal: AbortSignal): Promise<boolean> {
    const lease = await this.#client.find<Lease>(this.#ref(), { signal })
    const startedMs = this.#clock.monotonicMs()
    if (!lease) {
      await this.#client.create(this.#collection(), this.#newLease(), { signal })
      this.#renewedMs = startedMs
      return true
    }
    const held = lease.spec ?? {}
    const isOurs = held.holderIdentity === this.#options.identity
    if (!isOurs && this.#isHeld(held)) {
      this.#renewedMs = undefined
      return false
    }
    await this.#client.replace(this.#ref(), { ...lease, spec: this.#nextSpec(held, isOurs) }, { signal })
    signal.throwIfAborted()
    this.#renewedMs = startedMs
    return true
  }

  /** Whether another process holds the lease and has renewed it within its duration, as far as observed. */
  #isHeld(held: LeaseSpec): boolean {
    const nowMs = this.#clock.monotonicMs()
    const record = JSON.stringify(held)
    const leaseMs = held.leaseDurationSeconds ? held.leaseDurationSeconds * 1000 : this.#timing.leaseMs
    if (record !== this.#observed.record) this.#observed = { record, atMs: nowMs, leaseMs }
    if (!held.holderIdentity) return false
    return nowMs - this.#observed.atMs < leaseMs
  }

  #nextSpec(held: LeaseSpec, isOurs: boolean): LeaseSpec {
    const now = this.#microTime()
    return {
      ...held,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#timing.leaseMs / 1000),
      renewTime: now,
      acquireTime: isOurs ? (held.acquireTime ?? now) : now,
      leaseTransitions: (held.leaseTransitions ?? 0) + (isOurs ? 0 : 1),
    }
  }

  #newLease(): Lease {
    const { name, namespace } = this.#options
    const spec = { ...this.#nextSpec({}, true), leaseTransitions: 0 }
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec }
  }

  /**
   * Empties the holder and shortens the lease to one second, so that the next leader need not wait. It reads the lease
   * first, because an aborted request may have succeeded on the server.
   */
  async #handOver(): Promise<void> {
    try {
      const lease = await this.#client.find<Lease>(this.#ref())
      if (lease?.spec?.holderIdentity !== this.#options.identity) return
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#microTime() }
      await this.#client.replace(this.#ref(), { ...lease, spec })
    } catch (error) {
      this.#options.log.warn({ code: errorCode(error), error: errorMessage(error) }, 'lease not released')
    }
  }

  #collection() {
    return { apiVersion: 'coordination.k8s.io/v1', plural: 'leases', namespace: this.#options.namespace }
  }

  #ref() {
    return { ...this.#collection(), name: this.#options.name }
  }

  /** The API requires six decimals. */
  #microTime(): string {
    return new Date(this.#clock.nowMs()).toISOString().replace(/(\.\d{3})Z$/, '$1000Z')
  }
}
