/** One job, brought one step nearer to what it asks for: observe -> decide -> apply -> one status write -> events. */

import type { Issue } from '../api/issue.ts'
import type { Job } from '../api/job.ts'
import { parseJob, storedJobIssues } from '../api/parse.ts'
import type { JobStatus } from '../api/status.ts'
import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import { mapLimit } from '../kube/map-limit.ts'
import { parseKey } from '../kube/objects.ts'
import type { HandlerResult } from '../kube/work-queue.ts'
import type { OperatorMetrics } from '../metrics/operator.ts'
import type { PlanOptions } from '../plan/job-plan.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Decision, JobEvent } from './actions.ts'
import { type ApplyContext, applyActions, type Failed } from './apply.ts'
import { releasePod } from './apply-one.ts'
import { decide } from './decide.ts'
import { Expectations } from './expectations.ts'
import { askedSeconds, describeFailures, firstTransient, isObstructed, patienceMs, tellFailures } from './failures.ts'
import { decideInvalid, type InvalidJob } from './invalid.ts'
import { JobTimes } from './job-times.ts'
import { observe, type RawJob, readStatus, type Stores } from './observe.ts'
import { type Planned, planned } from './planned.ts'
import { podFacts } from './pod-facts.ts'
import { writtenEnding } from './policies/ending.ts'
import { releasePods } from './policies/queue.ts'
import { Rehearsals } from './rehearsal.ts'
import type { ReportReader } from './runtime-status.ts'
import { StatusWriter, type Written } from './status-writer.ts'
import { parseJobKey } from './watches.ts'
import { WorkerCount } from './worker-count.ts'

const IN_PARALLEL = 50
/** What was made has announced itself by then; else the expectations wait for it. */
const SEEN_WITHIN_MS = 500

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
  planOptions: PlanOptions
  /** Has a job looked at again. */
  wake: (key: string) => void
  /** Asked before anything is written. */
  isLeader: () => boolean
}

type Reading =
  | { job: Job; planned: Planned; issues?: undefined }
  | { job: InvalidJob; planned?: undefined; issues: readonly Issue[] }

interface Look {
  job: Job | InvalidJob
  decision: Decision
  planned: Planned | undefined
  nowMs: number
}

export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #statuses: StatusWriter
  readonly #rehearsals: Rehearsals
  readonly #expectations: Expectations
  readonly #times: JobTimes
  readonly #workerCount: WorkerCount
  /** By the copy in the store, which never changes, and is looked at again for every change of a pod. */
  readonly #readings = new WeakMap<RawJob, Reading>()
  /** Copies whose first status was put off: never twice, whatever becomes of the pods. */
  readonly #putOff = new WeakSet<RawJob>()
  /** Code of the failure last logged per key. */
  readonly #logged = new Map<string, string>()

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#statuses = new StatusWriter(options.client, options.clock)
    this.#rehearsals = new Rehearsals(options.client)
    this.#expectations = new Expectations(options.clock)
    this.#times = new JobTimes(options.clock)
    this.#workerCount = new WorkerCount(options.client, options.clock, options.log)
  }

  /** @throws what a request threw: the queue tries again after a back-off */
  async reconcile(key: string, signal: AbortSignal): Promise<HandlerResult | undefined> {
    const raw = this.#find(key)
    // What a job that is being deleted owns, the API server's garbage collector removes.
    if (!raw || raw.metadata.deletionTimestamp) return this.#letPodsGo(key, signal)
    if (this.#statuses.isBehind(key, raw) || this.#workerCount.isBehind(key, raw)) return undefined
    const waitMs = this.#expectations.waitMs(key, (name) => this.#hasPod(raw, name))
    if (waitMs > 0) return { requeueAfterMs: waitMs }
    if (await this.#countWorkers(key, raw, signal)) return { requeueAfterMs: SEEN_WITHIN_MS }
    const look = await this.#look(key, raw, signal)
    if (!this.#options.isLeader()) throw new DownpourError('NOT_LEADER', 'the lease is lost; nothing is written')
    const failed = look.planned
      ? await applyActions(look.decision.actions, this.#applyContext(key, look.job, look.planned, signal))
      : []
    if (isOvertaken(look, failed) && !this.#putOff.has(raw)) {
      this.#putOff.add(raw)
      return { requeueAfterMs: SEEN_WITHIN_MS }
    }
    const told = tellFailures(look.decision, failed, look.job, look.nowMs)
    const change = { before: look.job.status, status: told.status }
    const written = await this.#statuses.write(key, raw, change, signal)
    if (written.outcome === 'stale') return { requeueAfterMs: 0 }
    // Gone meanwhile: its series are forgotten and stay so.
    if (written.outcome === 'written' && this.#find(key)) this.#tell(key, raw, look.job.status, told)
    return this.#next(key, look, failed, written)
  }

  /** What keeps it from telling how jobs are; undefined: nothing. */
  get trouble(): string | undefined {
    return this.#statuses.trouble
  }

  /** The job is gone: so is all that we remember of it. */
  forget(key: string): void {
    this.#statuses.forget(key)
    this.#rehearsals.forget(key)
    this.#expectations.forget(key)
    this.#times.forget(key)
    this.#workerCount.forget(key)
    this.#logged.delete(key)
    const { kind, objectKey } = parseJobKey(key)
    const [namespace = '', job_name = ''] = objectKey.split('/')
    this.#options.metrics.jobs.forget({ namespace, kind, job_name })
    this.#options.metrics.jobs.count({ namespace, kind }, 'deleted')
  }

  /** The job is gone or going. Its pods go by themselves, but for what Kueue holds. */
  async #letPodsGo(key: string, signal: AbortSignal): Promise<undefined> {
    const { client, stores, isLeader } = this.#options
    const pods = stores.pods.byIndex('job', key).flatMap((pod) => podFacts(pod) ?? [])
    const { namespace = '' } = parseKey(parseJobKey(key).objectKey)
    const held = isLeader() ? releasePods(pods) : []
    const { errors } = await mapLimit(held, IN_PARALLEL, (action) => releasePod(client, namespace, action, signal))
    if (errors[0]) throw errors[0].error
  }

  #hasPod({ metadata }: RawJob, name: string): boolean {
    return this.#options.stores.pods.get(`${metadata.namespace}/${name}`) !== undefined
  }

  #find(key: string): RawJob | undefined {
    const { kind, objectKey } = parseJobKey(key)
    return this.#options.stores.jobs[kind].get(objectKey)
  }

  async #look(key: string, raw: RawJob, signal: AbortSignal): Promise<Look> {
    const { job, planned, issues } = this.#read(raw)
    const now = () => this.#times.nowMs(key, job.metadata.uid, job.status)
    if (planned === undefined) {
      this.#options.metrics.reconcile.refused()
      const nowMs = now()
      return { job, decision: decideInvalid(job, issues, nowMs), planned, nowMs }
    }
    const observed = await observe(job, planned, this.#options, signal)
    const nowMs = now()
    return { job, decision: decide(job, observed, nowMs), planned, nowMs }
  }

  /** Before anything else: the generation rises, and a status that was written before would be one write too many. */
  async #countWorkers(key: string, raw: RawJob, signal: AbortSignal): Promise<boolean> {
    const { job, planned } = this.#read(raw)
    if (planned === undefined || !this.#options.isLeader()) return false
    return this.#workerCount.write(key, raw, job.spec.workers.replicas, signal)
  }

  #read(raw: RawJob): Reading {
    const reading = this.#readings.get(raw) ?? readJob(raw, this.#options.planOptions)
    this.#readings.set(raw, reading)
    return reading
  }

  /** Only what is written is told and counted. */
  #tell(key: string, raw: RawJob, before: JobStatus | undefined, { status, events }: Decision): void {
    const { namespace = '', name } = raw.metadata
    for (const event of events) this.#announce(key, raw, event)
    const labels = { namespace, kind: raw.kind ?? '', job_name: name }
    const { jobs } = this.#options.metrics
    jobs.show(labels, status.phase, status.progress?.step)
    if (!before) jobs.count(labels, 'created')
    const ending = writtenEnding(status)
    if (ending && !writtenEnding(before)) jobs.count(labels, ending.type === 'Succeeded' ? 'succeeded' : 'failed')
    const restarts = status.restarts.total - (before?.restarts.total ?? 0)
    if (before && restarts > 0) jobs.count(labels, 'restarted', restarts)
  }

  /** As an event, which the cluster forgets in an hour, and in the log. */
  #announce(job: string, raw: RawJob, event: JobEvent): void {
    this.#options.events.record(raw, event)
    const level = event.type === 'Warning' ? 'warn' : 'info'
    this.#options.log[level]({ job, reason: event.reason, text: event.message }, 'job changed')
  }

  #next(key: string, { decision }: Look, failed: readonly Failed[], written: Written): HandlerResult | undefined {
    this.#log(key, failed)
    const seconds = askedSeconds(failed)
    if (seconds > 0) this.#expectations.pause(key, seconds)
    const transient = firstTransient(failed)
    if (transient) throw transient
    const waits = [
      ...(decision.requeueAfterSeconds === undefined ? [] : [decision.requeueAfterSeconds * 1000]),
      patienceMs(failed),
      written.outcome === 'later' ? written.afterMs : Number.POSITIVE_INFINITY,
      ...(isToBePolled(decision.status) ? [this.#pollMs()] : []),
    ].filter(Number.isFinite)
    return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : undefined
  }

  /** Once, until something else fails or nothing does. */
  #log(key: string, failed: readonly Failed[]): void {
    const [first] = describeFailures(failed)
    const isNews = first !== undefined && this.#logged.get(key) !== first.code
    if (first) this.#logged.set(key, first.code)
    else this.#logged.delete(key)
    if (isNews) this.#options.log.warn({ job: key, failed: describeFailures(failed) }, 'actions failed')
  }

  #applyContext(key: string, job: Job | InvalidJob, planned: Planned, signal: AbortSignal): ApplyContext {
    const { client, reports } = this.#options
    const rehearsals = this.#rehearsals
    const onPodMade = (name: string) => this.#expectations.expect(key, name)
    return { onPodMade, key, client, reports, rehearsals, job, planned, isObstructed: isObstructed(job), signal }
  }

  /** Spread by a fifth, or all jobs would be asked at the same moment for ever. */
  #pollMs(): number {
    return this.#options.pollMs * (0.8 + 0.4 * this.#options.random())
  }
}

function readJob(raw: RawJob, options: PlanOptions): Reading {
  const status = readStatus(raw)
  const issues = storedJobIssues(raw)
  const { kind, metadata } = raw as unknown as InvalidJob
  if (issues.length > 0) return { job: { kind, metadata, ...(status && { status }) }, issues }
  const job = { ...parseJob(raw), status } as Job
  return { job, planned: planned(job, options) }
}

/** A new job whose pods were all made: that there are none is past. The next look tells of them, in the first status. */
function isOvertaken({ job, decision }: Look, failed: readonly Failed[]): boolean {
  return job.status === undefined && failed.length === 0 && decision.actions.some(({ type }) => type === 'createPod')
}

/** Progress makes no watch event: it is asked for while somebody is there to answer. */
function isToBePolled({ phase, replicas }: JobStatus): boolean {
  return (phase === 'Running' || phase === 'Starting') && replicas.ps.ready + replicas.evaluator.ready > 0
}
