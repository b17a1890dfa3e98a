/**
 * Writes `spec.workers.replicas` into a job that takes it from a preset or a default. Without the field, the API server
 * answers `GET …/scale` with 500, and autoscalers and `kubectl scale --current-replicas` fail.
 *
 * The operator then gives up ownership of the field, so that a later server-side apply of another number causes no
 * conflict and GitOps tools see no difference.
 */
import type { Job } from '../api/job.ts'
import type { KubeClient } from '../kube/client.ts'
import { isConflict, isNotFound, KubeError } from '../kube/errors.ts'
import { compareVersions, type KubeObject } from '../kube/objects.ts'
import type { Clock } from '../support/clock.ts'
import type { Log } from '../support/log.ts'
import { jobRef } from './execute-action.ts'

/**
 * Field manager that owns the number between the two writes; after a crash in between, the next reconcile removes it.
 */
export const COUNT_MANAGER = 'downpour-preset'
/** Long, because the job also trains without the field. */
const RETRY_AFTER_MS = 60_000

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

  /** Whether the copy is older than the last write: reconciling it would repeat that write. */
  isBehind({ metadata }: KubeObject): boolean {
    return this.#written !== undefined && compareVersions(metadata.resourceVersion ?? '', this.#written) < 0
  }

  /** @returns whether the job changed, so that the watch will show it again. A refusal is logged and delays nothing. */
  async write(job: CountedJob, workers: number, signal: AbortSignal): Promise<boolean> {
    if (hasCount(job) && !isCountOwned(job)) return false
    if (this.#clock.monotonicMs() < (this.#tryAgainAtMs ?? 0)) return false
    try {
      const counted = hasCount(job) ? job : await this.#count(job, workers, signal)
      if (isCountOwned(counted)) await this.#giveUpCount(counted, signal)
      this.#tryAgainAtMs = undefined
      return true
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return true
      // No answer: the other requests of this reconcile would fail too.
      if (!(error instanceof KubeError) || error.httpStatus === 0) throw error
      this.#postpone(error)
      return false
    }
  }

  #count(job: CountedJob, replicas: number, signal: AbortSignal): Promise<CountedJob> {
    return this.#patch(job, { spec: { workers: { replicas } } }, signal)
  }

  /**
   * A patch of managedFields alone removes ownership without giving it to anyone. The API server ignores an empty list.
   */
  #giveUpCount(job: CountedJob, signal: AbortSignal): Promise<CountedJob> {
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
    this.#tryAgainAtMs = this.#clock.monotonicMs() + RETRY_AFTER_MS
    if (!isNews) return
    const text = 'cannot write spec.workers.replicas; GET of the scale subresource answers 500 until it is written'
    this.#log.warn({ code: error.code, error: error.message }, text)
  }
}

function hasCount({ spec }: CountedJob): boolean {
  const { workers } = (spec ?? {}) as { workers?: { replicas?: number } }
  return workers?.replicas !== undefined
}

/** Whether COUNT_MANAGER still owns a field. */
export function isCountOwned({ metadata }: KubeObject): boolean {
  return metadata.managedFields?.some(({ manager }) => manager === COUNT_MANAGER) ?? false
}
