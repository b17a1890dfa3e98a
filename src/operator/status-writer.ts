/** Writes the status of a job: at once if a condition or phase changed, at most once a second if only numbers did. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../api/job.ts'
import type { JobStatus } from '../api/status.ts'
import type { KubeClient } from '../kube/client.ts'
import { isConflict, isNotFound } from '../kube/errors.ts'
import { compareVersions } from '../kube/objects.ts'
import type { Clock } from '../support/clock.ts'
import { jobRef } from './execute-action.ts'
import type { RawJob } from './stores.ts'

/** 51 pods that become ready one after another must not cause 51 writes. */
const FIGURES_EVERY_MS = 1000

/** unchanged: nothing was sent. stale: the job changed since it was read, or is gone, so the decision is outdated. */
export type Written = { outcome: 'written' | 'unchanged' | 'stale' } | { outcome: 'later'; afterMs: number }

export class StatusWriter {
  readonly #client: Pick<KubeClient, 'replace'>
  readonly #clock: Clock
  #last: { resourceVersion: string; atMs: number } | undefined

  constructor(client: Pick<KubeClient, 'replace'>, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** Whether the copy is older than the last write: reconciling it would repeat that write. */
  isBehind(raw: RawJob): boolean {
    const last = this.#last
    return last !== undefined && compareVersions(raw.metadata.resourceVersion ?? '', last.resourceVersion) < 0
  }

  /** @throws KubeError */
  async write(
    raw: RawJob,
    { before, status }: { before: JobStatus | undefined; status: JobStatus },
    signal: AbortSignal,
  ): Promise<Written> {
    if (isDeepStrictEqual(before, status)) return { outcome: 'unchanged' }
    const afterMs = (this.#last?.atMs ?? Number.NEGATIVE_INFINITY) + FIGURES_EVERY_MS - this.#now()
    if (afterMs > 0 && before && onlyFiguresChanged(before, status)) {
      return { outcome: 'later', afterMs }
    }
    return this.#replace({ ...raw, status }, signal)
  }

  async #replace(job: RawJob, signal: AbortSignal): Promise<Written> {
    const ref = { ...jobRef(job as unknown as Job), subresource: 'status' as const }
    try {
      const { metadata } = await this.#client.replace(ref, job, { signal })
      this.#last = { resourceVersion: metadata.resourceVersion ?? '', atMs: this.#now() }
      return { outcome: 'written' }
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return { outcome: 'stale' }
      throw error
    }
  }

  #now(): number {
    return this.#clock.monotonicMs()
  }
}

/** A lower number of ready parameter servers is written at once: the next reconcile finds lost servers by it. */
function onlyFiguresChanged(before: JobStatus, status: JobStatus): boolean {
  if (status.replicas.ps.ready < before.replicas.ps.ready) return false
  return isDeepStrictEqual(withoutFigures(before), withoutFigures(status))
}

/** Without counts, progress and messages, which change while the job only proceeds. */
function withoutFigures({ replicas: _, workersReady: __, progress: ___, conditions, ...rest }: JobStatus) {
  return { ...rest, conditions: conditions.map(({ message: _message, ...condition }) => condition) }
}
