/** Reconciles one job: observe -> decide -> execute the actions -> write the status once -> publish events. */
import type { Job } from '../api/job.ts'
import type { JobStatus } from '../api/status.ts'
import type { KubeClient } from '../kube/client.ts'
import { KubeError } from '../kube/errors.ts'
import type { EventRecorder } from '../kube/events.ts'
import { mapLimit } from '../kube/map-limit.ts'
import { parseKey } from '../kube/objects.ts'
import type { HandlerResult } from '../kube/work-queue.ts'
import type { JobFigures } from '../metrics/jobs.ts'
import type { OperatorMetrics } from '../metrics/operator.ts'
import type { PlanOptions } from '../plan/types.ts'
import type { Clock } from '../support/clock.ts'
import { DownpourError } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { Decision, JobEvent } from './actions.ts'
import { decide } from './decide.ts'
import { type ExecuteContext, executeActions, type Failed } from './execute.ts'
import { releasePod } from './execute-action.ts'
import { decideInvalid, type InvalidJob } from './invalid.ts'
import { jobFigures } from './job-figures.ts'
import { parseJobKey } from './job-key.ts'
import { JobMemory } from './job-memory.ts'
import { JobReader } from './job-reader.ts'
import { observe } from './observe.ts'
import type { Planned } from './planned.ts'
import { podFacts } from './pod-facts.ts'
import { writtenEnding } from './policies/ending.ts'
import { releasePods } from './policies/queue.ts'
import {
  addRequestFailures,
  describeFailures,
  firstTransient,
  isBlocked,
  nextRetryMs,
  retryAfterSeconds,
} from './request-failures.ts'
import type { ReportReader } from './runtime-status.ts'
import type { Written } from './status-writer.ts'
import type { RawJob, Stores } from './stores.ts'

const IN_PARALLEL = 50
/** The watch shows created pods within this time; if it does not, the expectations take over. */
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
  /** Mean time between two progress requests to a running job. */
  pollMs: number
  planOptions: PlanOptions
  /** Requeues a job. */
  wake: (key: string) => void
  /** Checked before every write. */
  isLeader: () => boolean
}

interface JobDecision {
  job: Job | InvalidJob
  decision: Decision
  /** Undefined: the spec is invalid. */
  planned: Planned | undefined
  nowMs: number
}

/** Reconciles one job at a time for each key; the work queue guarantees that. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  readonly #jobs: JobReader
  readonly #memories = new Map<string, JobMemory>()
  /** Jobs whose first status was postponed. It is postponed only once, even if the pods do not start. */
  readonly #postponed = new WeakSet<RawJob>()
  /** Why the last status could not be written. */
  #trouble: string | undefined

  constructor(options: ReconcilerOptions) {
    this.#options = options
    this.#jobs = new JobReader(options.planOptions)
  }

  /** @throws what a request threw: the queue tries again after a back-off */
  async reconcile(key: string, signal: AbortSignal): Promise<HandlerResult | undefined> {
    const raw = this.#find(key)
    // The API server's garbage collector removes what a deleted job owns.
    if (!raw || raw.metadata.deletionTimestamp) {
      this.#hide(key)
      return this.#releaseHeldPods(key, signal)
    }
    const memory = this.#memoryOf(key)
    if (memory.statuses.isBehind(raw) || memory.workerCount.isBehind(raw)) return undefined
    const waitMs = memory.expectations.waitMs((name) => this.#hasPod(raw, name))
    if (waitMs > 0) return { requeueAfterMs: waitMs }
    if (await this.#countWorkers(memory, raw, signal)) return { requeueAfterMs: SEEN_WITHIN_MS }
    const decided = await this.#decide(memory, raw, signal)
    if (!this.#options.isLeader()) throw new DownpourError('NOT_LEADER', 'the lease is lost; nothing is written')
    const failed = decided.planned
      ? await executeActions(
          decided.decision.actions,
          this.#executeContext(memory, decided.job, decided.planned, signal),
        )
      : []
    if (isOvertaken(decided, failed) && !this.#postponed.has(raw)) {
      this.#postponed.add(raw)
      return { requeueAfterMs: SEEN_WITHIN_MS }
    }
    return this.#finish(memory, raw, decided, failed, signal)
  }

  /** Why statuses cannot be written; undefined: they can. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** For the metrics: every job whose status this process has read or written. */
  figures(nowMs: number): JobFigures[] {
    return [...this.#memories.values()].flatMap(({ published }) => (published ? [jobFigures(published, nowMs)] : []))
  }

  /** Call it when the job is gone. */
  forget(key: string): void {
    this.#memories.delete(key)
    const { kind, objectKey } = parseJobKey(key)
    const { namespace = '' } = parseKey(objectKey)
    // A standby sees the deletion, too, and both processes are scraped.
    if (this.#options.isLeader()) this.#options.metrics.jobs.count({ namespace, kind }, 'deleted')
  }

  #memoryOf(key: string): JobMemory {
    const memory = this.#memories.get(key) ?? new JobMemory(key, this.#options)
    this.#memories.set(key, memory)
    return memory
  }

  /** For a deleted job: the garbage collector deletes its pods, but those with Kueue's finalizer need its removal. */
  /** Its pods end, which is no reason for an alert. */
  #hide(key: string): void {
    const memory = this.#memories.get(key)
    if (memory) memory.published = undefined
  }

  async #releaseHeldPods(key: string, signal: AbortSignal): Promise<undefined> {
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

  async #decide({ time }: JobMemory, raw: RawJob, signal: AbortSignal): Promise<JobDecision> {
    const parsed = this.#jobs.read(raw)
    const { job } = parsed
    const now = () => time.nowMs(job.metadata.uid, job.status)
    if (parsed.state === 'invalid') {
      this.#options.metrics.reconcile.refused()
      const nowMs = now()
      return { job, decision: decideInvalid(job, parsed.issues, nowMs), planned: undefined, nowMs }
    }
    const { planned } = parsed
    const observed = await observe(parsed.job, planned, { ...this.#options, jobs: this.#jobs }, signal)
    const nowMs = now()
    return { job, decision: decide(parsed.job, observed, nowMs), planned, nowMs }
  }

  /** Runs first, because it raises the generation: a status written before it would have to be written again. */
  async #countWorkers({ workerCount }: JobMemory, raw: RawJob, signal: AbortSignal): Promise<boolean> {
    const parsed = this.#jobs.read(raw)
    if (parsed.state === 'invalid' || !this.#options.isLeader()) return false
    return workerCount.write(raw, parsed.job.spec.workers.replicas, signal)
  }

  async #finish(
    memory: JobMemory,
    raw: RawJob,
    decided: JobDecision,
    failed: readonly Failed[],
    signal: AbortSignal,
  ): Promise<HandlerResult | undefined> {
    const { job, decision, nowMs } = decided
    const final = addRequestFailures(decision, failed, job, nowMs)
    const written = await this.#writeStatus(memory, raw, { before: job.status, status: final.status }, signal)
    if (written.outcome === 'stale') return { requeueAfterMs: 0 }
    // If the job is gone by now, it is forgotten and must stay so.
    if (written.outcome !== 'later' && this.#find(memory.key)) this.#publish(memory, raw, job.status, final)
    return this.#next(memory, decision, failed, written)
  }

  async #writeStatus(
    { statuses }: JobMemory,
    raw: RawJob,
    change: { before: JobStatus | undefined; status: JobStatus },
    signal: AbortSignal,
  ): Promise<Written> {
    try {
      const written = await statuses.write(raw, change, signal)
      if (written.outcome === 'written') this.#trouble = undefined
      return written
    } catch (error) {
      if (error instanceof KubeError && error.httpStatus === 403) this.#trouble = error.message
      throw error
    }
  }

  /** Events, metrics and the log show only what was written to the status. */
  #publish(memory: JobMemory, raw: RawJob, before: JobStatus | undefined, { status, events }: Decision): void {
    for (const event of events) this.#announce(memory.key, raw, event)
    memory.published = { ...this.#jobs.read(raw), status }
    const labels = { namespace: raw.metadata.namespace ?? '', kind: raw.kind ?? '' }
    const { jobs } = this.#options.metrics
    if (!before) jobs.count(labels, 'created')
    const ending = writtenEnding(status)
    if (ending && !writtenEnding(before)) jobs.count(labels, ending.type === 'Succeeded' ? 'succeeded' : 'failed')
  }

  /** Also in the log, because the cluster drops events after an hour. */
  #announce(job: string, raw: RawJob, event: JobEvent): void {
    this.#options.events.record(raw, event)
    const level = event.type === 'Warning' ? 'warn' : 'info'
    this.#options.log[level]({ job, reason: event.reason, text: event.message }, 'job changed')
  }

  #next(memory: JobMemory, decision: Decision, failed: readonly Failed[], written: Written): HandlerResult | undefined {
    this.#logFailures(memory, failed)
    const seconds = retryAfterSeconds(failed)
    if (seconds > 0) memory.expectations.pause(seconds)
    const transient = firstTransient(failed)
    if (transient) throw transient
    const waits = [
      ...(decision.requeueAfterSeconds === undefined ? [] : [decision.requeueAfterSeconds * 1000]),
      nextRetryMs(failed),
      written.outcome === 'later' ? written.afterMs : Number.POSITIVE_INFINITY,
      ...(isToBePolled(decision.status) ? [this.#pollMs()] : []),
    ].filter(Number.isFinite)
    return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : undefined
  }

  /** Logs a failure once, until another one occurs or none does. */
  #logFailures(memory: JobMemory, failed: readonly Failed[]): void {
    const [first] = describeFailures(failed)
    const isNew = first !== undefined && memory.loggedCode !== first.code
    memory.loggedCode = first?.code
    if (isNew) this.#options.log.warn({ job: memory.key, failed: describeFailures(failed) }, 'actions failed')
  }

  #executeContext(memory: JobMemory, job: Job | InvalidJob, planned: Planned, signal: AbortSignal): ExecuteContext {
    const { client, reports } = this.#options
    const { rehearsal, expectations } = memory
    const onPodCreated = (name: string) => expectations.expect(name)
    return { onPodCreated, client, reports, rehearsal, job, planned, isBlocked: isBlocked(job), signal }
  }

  /** Varies by a fifth, so that all jobs are not polled at the same moment for ever. */
  #pollMs(): number {
    return this.#options.pollMs * (0.8 + 0.4 * this.#options.random())
  }
}

/**
 * A new job whose pods were all created: its first status would say that it has none, so the next reconcile writes it.
 */
function isOvertaken({ job, decision }: JobDecision, failed: readonly Failed[]): boolean {
  return job.status === undefined && failed.length === 0 && decision.actions.some(({ type }) => type === 'createPod')
}

/** Progress makes no watch event, so it is polled while a pod runs that can report it. */
function isToBePolled({ phase, replicas }: JobStatus): boolean {
  return (phase === 'Running' || phase === 'Starting') && replicas.ps.ready + replicas.evaluator.ready > 0
}
