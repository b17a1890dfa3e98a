/** Jobs that the API server should have refused: its CRDs may lack rules, or be older than the operator. */

import type { Issue } from '../api/issue.ts'
import { shownAt } from '../api/secrets.ts'
import type { JobStatus } from '../api/status.ts'
import { type JobKind, ROLES } from '../contract/names.ts'
import type { StoredMeta } from '../support/object-meta.ts'
import type { Decision } from './actions.ts'
import { mergeConditions } from './conditions.ts'
import { describeEvents } from './events.ts'
import { INVALID_SPEC, writtenEnding } from './policies/ending.ts'
import { countRunning } from './running-time.ts'
import { workerSelector } from './status.ts'

const MAX_VALUE = 60

export type SpecIssue = Pick<Issue, 'path' | 'value' | 'message'>

/** A stored job whose spec is invalid. */
export interface InvalidJob {
  kind: JobKind
  metadata: StoredMeta
  status?: JobStatus
}

/** Changes no pod: after the spec is corrected, the job continues where it was. */
export function decideInvalid(job: InvalidJob, issues: readonly SpecIssue[], nowMs: number): Decision {
  const before = job.status ?? blankStatus(job)
  if (job.metadata.deletionTimestamp || writtenEnding(before)) return { actions: [], status: before, events: [] }
  const observedGeneration = job.metadata.generation
  const update = {
    type: 'Failed',
    status: 'True',
    reason: INVALID_SPEC,
    message: issues.map(textOf).join('; '),
  } as const
  const conditions = mergeConditions(before.conditions, [update], { nowMs, observedGeneration })
  const { runningSeconds, runningSince, ...others } = before
  const running = countRunning({ runningSeconds, runningSince }, 'Failed', nowMs)
  const status: JobStatus = { ...others, ...running, observedGeneration, phase: 'Failed', conditions }
  return { actions: [], status, events: describeEvents(job.status, status, []) }
}

/** Shortens the value: it may be a whole object, and the message must stay readable. */
function textOf({ path, value, message }: SpecIssue): string {
  if (value === undefined) return `${path}: ${message}`
  const text = shownAt(path, value)
  return `${path}: ${text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text}: ${message}`
}

function blankStatus(job: InvalidJob): JobStatus {
  const none = { desired: 0, ready: 0, failed: 0, succeeded: 0, summary: '0/0' }
  return {
    observedGeneration: job.metadata.generation,
    phase: 'Pending',
    conditions: [],
    replicas: Object.fromEntries(ROLES.map((role) => [role, none])) as JobStatus['replicas'],
    workersReady: 0,
    workerSelector: workerSelector(job),
    restarts: { ps: 0, worker: 0, evaluator: 0, counted: 0, total: 0 },
    psGeneration: 0,
  }
}
