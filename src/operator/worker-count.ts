/**
 * Writes into a job how many workers it has, where only its preset or a default says so. Without the number the API
 * server answers `GET …/scale` with 500, and autoscalers and `kubectl scale --current-replicas` fail.
 *
 * Nobody owns the number afterwards: a later server-side apply of any other number meets no conflict, and what no file
 * names is no difference for GitOps.
 */
import type { Job } from '../api/job.ts'
import type { KubeClient } from '../kube/client.ts'
import { isConflict, isNotFound, KubeError } from '../kube/errors.ts'
import { compareVersions, type KubeObject } from '../kube/objects.ts'
import type { Clock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import { jobRef } from './execute-action.ts'

/** Owns the number between our two writes, or until the next look when we died in between. */
export const COUNT_MANAGER = 'downpour-preset'
/** A job trains without the number, too. */
const PATIENCE_MS = 60_000

type CountedJob = KubeObject & { spec?: unknown }

export interface WorkerCountOptions {
  client: Pick<KubeClient, 'mergePatch'>
  clock: Clock
  log: Log
}

export class WorkerCount {
  readonly #client: Pick<KubeClient, 'mergePatch'>
  readonly #clock: Clock
  readonly #log: Log
  /** resourceVersion of our last write. */
  #written: string | undefined
  #tryAgainAtMs: number | undefined

  constructor({ client, clock, log }: WorkerCountOptions) {
    this.#client = client
    this.#clock = clock
    this.#log = log
  }

  /** A copy from before our last write is not worth a look. */
  isBehind({ metadata }: KubeObject): boolean {
    return this.#written !== undefined && compareVersions(metadata.resourceVersion ?? '', this.#written) < 0
  }

  /** @returns whether the job is another one now: the watch brings it. A refusal is told and keeps nothing waiting. */
  async write(job: CountedJob, workers: number, signal: AbortSignal): Promise<boolean> {
    if (hasCount(job) && !isCountOwned(job)) return false
    if (this.#clock.monotonicMs() < (this.#tryAgainAtMs ?? 0)) return false
    try {
      const counted = hasCount(job) ? job : await this.#count(job, workers, signal)
      if (isCountOwned(counted)) await this.#disown(counted, signal)
      this.#tryAgainAtMs = undefined
      return true
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return true
      // Without an API server nothing else is done either.
      if (!(error instanceof KubeError) || error.httpStatus === 0) throw error
      this.#postpone(error)
      return false
    }
  }

  #count(job: CountedJob, replicas: number, signal: AbortSignal): Promise<CountedJob> {
    return this.#patch(job, { spec: { workers: { replicas } } }, signal)
  }

  /** An update of managedFields alone makes nobody the owner of what we let go. An empty list would mean no change. */
  #disown(job: CountedJob, signal: AbortSignal): Promise<CountedJob> {
    const others = (job.metadata.managedFields ?? []).filter(({ manager }) => manager !== COUNT_MANAGER)
    return this.#patch(job, { metadata: { managedFields: others.length > 0 ? others : [{}] } }, signal)
  }

  async #patch(
    job: CountedJob,
    { metadata = {}, ...change }: { metadata?: object; spec?: object },
    signal: AbortSignal,
  ): Promise<CountedJob> {
    const { uid, resourceVersion } = job.metadata
    const patch = { metadata: { uid, resourceVersion, ...metadata }, ...change }
    const options = { signal, fieldManager: COUNT_MANAGER }
    const patched = await this.#client.mergePatch<CountedJob>(jobRef(job as unknown as Job), patch, options)
    this.#written = patched.metadata.resourceVersion ?? ''
    return patched
  }

  #postpone(error: KubeError): void {
    const isNews = this.#tryAgainAtMs === undefined
    this.#tryAgainAtMs = this.#clock.monotonicMs() + PATIENCE_MS
    if (!isNews) return
    const text = 'cannot write spec.workers.replicas; the scale of this job answers 500 until then'
    this.#log.warn({ code: error.code, error: error.message }, text)
  }
}

function hasCount({ spec }: CountedJob): boolean {
  const { workers } = (spec ?? {}) as { workers?: { replicas?: number } }
  return workers?.replicas !== undefined
}

/** Whether our field manager still has an entry. */
export function isCountOwned({ metadata }: KubeObject): boolean {
  return metadata.managedFields?.some(({ manager }) => manager === COUNT_MANAGER) ?? false
}
