/** One job, brought one step nearer to what it asks for: observe -> decide -> apply -> one status write -> events. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import { parseJob, validateJob } from '../api/parse.ts'
import type { JobStatus } from '../api/status.ts'
import type { KubeClient } from '../kube/client.ts'
import { isConflict, isNotFound } from '../kube/errors.ts'
import type { EventRecorder } from '../kube/events.ts'
import { compareVersions } from '../kube/objects.ts'
import type { HandlerResult } from '../kube/work-queue.ts'
import type { OperatorMetrics } from '../metrics/operator.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Decision } from './actions.ts'
import { applyActions, type Failed, jobRef } from './apply.ts'
import { decide } from './decide.ts'
import { describeFailures, firstTransient, tellFailures } from './failures.ts'
import { decideInvalid, type InvalidJob } from './invalid.ts'
import { observe, type RawJob, readStatus, type Stores } from './observe.ts'
import { type Planned, planned } from './planned.ts'
import { writtenEnding } from './policies/ending.ts'
import type { ReportReader } from './runtime-status.ts'
import { parseJobKey } from './watches.ts'

/** A taken name is looked at again after so long; when a pod of ours held it, its end wakes us sooner. */
const CONFLICT_RETRY_MS = 30_000

export interface ReconcilerOptions {
  client: KubeClient
  stores: Stores
  reports: ReportReader
  events: Pick<EventRecorder, 'record'>
  metrics: OperatorMetrics
  log: Log
  clock: Clock
  random: () => number
  /** How often running jobs are asked for progress, on average. */
  pollMs: number
  defaultImage: string
  /** Asked before anything is written. */
  isLeader: () => boolean
}

interface Look {
  job: Job | InvalidJob
  decision: Decision
  planned: Planned | undefined
}

export class Reconciler {
  readonly #options: ReconcilerOptions
  /** resourceVersion of our last status write per key: an older copy of the job is not worth a look. */
  readonly #written = new Map<string, string>()

  constructor(options: ReconcilerOptions) {
    this.#options = options
  }

  /** @throws what a request threw: the queue tries again after a back-off */
  async reconcile(key: string, signal: AbortSignal): Promise<HandlerResult | undefined> {
    const raw = this.#find(key)
    // What a job that is being deleted owns, the API server's garbage collector removes.
    if (!raw || raw.metadata.deletionTimestamp || this.#isBehind(key, raw)) return undefined
    const look = await this.#look(raw, signal)
    if (!this.#options.isLeader()) throw new DownpourError('NOT_LEADER', 'the lease is lost; nothing is written')
    const failed = look.planned
      ? await applyActions(look.decision.actions, { ...this.#options, job: look.job, planned: look.planned, signal })
      : []
    const told = tellFailures(look.decision, failed, look.job, this.#options.clock.nowMs())
    const isWritten = await this.#writeStatus(key, raw, look.job.status, told.status, signal)
    if (!isWritten) return { requeueAfterMs: 0 }
    // Gone meanwhile: its series are forgotten and stay so.
    if (this.#find(key)) this.#tell(raw, look.job.status, told)
    return this.#next(look, failed)
  }

  /** The job is gone: so is all that we remember of it. */
  forget(key: string): void {
    this.#written.delete(key)
    const { kind, objectKey } = parseJobKey(key)
    const [namespace = '', job_name = ''] = objectKey.split('/')
    this.#options.metrics.jobs.forget({ namespace, kind, job_name })
    this.#options.metrics.jobs.count({ namespace, kind }, 'deleted')
  }

  #find(key: string): RawJob | undefined {
    const { kind, objectKey } = parseJobKey(key)
    return this.#options.stores.jobs[kind].get(objectKey)
  }

  #isBehind(key: string, raw: RawJob): boolean {
    const written = this.#written.get(key)
    return written !== undefined && compareVersions(raw.metadata.resourceVersion ?? '', written) < 0
  }

  async #look(raw: RawJob, signal: AbortSignal): Promise<Look> {
    const { clock, defaultImage, metrics } = this.#options
    const status = readStatus(raw)
    const issues = validateJob(raw)
    const { kind, metadata } = raw as unknown as InvalidJob
    if (issues.length > 0) {
      metrics.reconcile.refused()
      const job: InvalidJob = { kind, metadata, ...(status && { status }) }
      return { job, decision: decideInvalid(job, issues, clock.nowMs()), planned: undefined }
    }
    const job = { ...parseJob(raw), status } as Job
    const plan = planned(job, defaultImage)
    const observed = await observe(job, plan, this.#options, signal)
    return { job, decision: decide(job, observed, clock.nowMs()), planned: plan }
  }

  /** @returns false when the job has changed since we read it, or is gone: decide anew */
  async #writeStatus(
    key: string,
    raw: RawJob,
    before: JobStatus | undefined,
    status: JobStatus,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (isDeepStrictEqual(before, status)) return true
    const ref = { ...jobRef(raw as unknown as Job), subresource: 'status' as const }
    try {
      const stored = await this.#options.client.replace(ref, { ...raw, status }, { signal })
      this.#written.set(key, stored.metadata.resourceVersion ?? '')
      return true
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false
      throw error
    }
  }

  /** Only what is written is told and counted. */
  #tell(raw: RawJob, before: JobStatus | undefined, { status, events }: Decision): void {
    for (const event of events) this.#options.events.record(raw, event)
    const { namespace = '', name } = raw.metadata
    const labels = { namespace, kind: raw.kind ?? '', job_name: name }
    const { jobs } = this.#options.metrics
    jobs.show(labels, status.phase, status.progress?.step)
    if (!before) jobs.count(labels, 'created')
    const ending = writtenEnding(status)
    if (ending && !writtenEnding(before)) jobs.count(labels, ending.type === 'Succeeded' ? 'succeeded' : 'failed')
    const restarts = status.restarts.total - (before?.restarts.total ?? 0)
    if (before && restarts > 0) jobs.count(labels, 'restarted', restarts)
  }

  #next({ decision, job }: Look, failed: readonly Failed[]): HandlerResult | undefined {
    if (failed.length > 0) {
      const { name, namespace } = job.metadata
      this.#options.log.warn({ job: `${namespace}/${name}`, failed: describeFailures(failed) }, 'actions failed')
    }
    const transient = firstTransient(failed)
    if (transient) throw transient
    const waits = [
      ...(decision.requeueAfterSeconds === undefined ? [] : [decision.requeueAfterSeconds * 1000]),
      ...(failed.length > 0 ? [CONFLICT_RETRY_MS] : []),
      ...(isToBePolled(decision.status) ? [this.#pollMs()] : []),
    ]
    return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : undefined
  }

  /** Spread by a fifth, or all jobs would be asked at the same moment for ever. */
  #pollMs(): number {
    return this.#options.pollMs * (0.8 + 0.4 * this.#options.random())
  }
}

/** Progress makes no watch event: it is asked for while somebody is there to answer. */
function isToBePolled({ phase, replicas }: JobStatus): boolean {
  return (phase === 'Running' || phase === 'Starting') && replicas.ps.ready + replicas.evaluator.ready > 0
}
