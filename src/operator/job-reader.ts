/** Stored jobs, parsed, validated and planned: once for each version, however often their pods change. */
import type { Issue } from '../api/issue.ts'
import type { Job } from '../api/job.ts'
import { readJob } from '../api/parse.ts'
import { JobStatus } from '../api/status.ts'
import type { PlanOptions } from '../plan/types.ts'
import type { InvalidJob } from './invalid.ts'
import { type Planned, planned } from './planned.ts'
import type { RawJob } from './stores.ts'

export type ParsedJob =
  | { state: 'valid'; job: Job; planned: Planned }
  | { state: 'invalid'; job: InvalidJob; issues: readonly Issue[] }

export class JobReader {
  readonly #options: PlanOptions
  /** By the object in the store, which is never changed in place. */
  readonly #parsed = new WeakMap<RawJob, ParsedJob>()

  constructor(options: PlanOptions) {
    this.#options = options
  }

  read(raw: RawJob): ParsedJob {
    const parsed = this.#parsed.get(raw) ?? this.#parse(raw)
    this.#parsed.set(raw, parsed)
    return parsed
  }

  #parse(raw: RawJob): ParsedJob {
    const status = readStatus(raw)
    const { job: valid, issues } = readJob(raw)
    if (!valid) {
      const { kind, metadata } = raw as unknown as InvalidJob
      return { state: 'invalid', job: { kind, metadata, ...(status && { status }) }, issues }
    }
    const job = { ...valid, status } as Job
    return { state: 'valid', job, planned: planned(job, this.#options) }
  }
}

/** Undefined also for a status that another program wrote in another form: the next reconcile writes a new one. */
function readStatus(raw: RawJob): JobStatus | undefined {
  const parsed = JobStatus.safeParse(raw.status)
  return parsed.success ? parsed.data : undefined
}
