import type { Job } from '../../api/job.ts'
import type { Ending } from './ending.ts'

export interface Deadline {
  ending?: Ending
  requeueAtMs?: number
}

/** activeDeadlineSeconds counts from the start of the job or its last resume, so suspended time does not count. */
export function checkDeadline(job: Job, startedAtMs: number, nowMs: number): Deadline {
  const seconds = job.spec.activeDeadlineSeconds
  if (seconds === undefined) return {}
  const dueMs = startedAtMs + seconds * 1000
  if (nowMs < dueMs) return { requeueAtMs: dueMs }
  const message = `active for more than ${seconds} s (activeDeadlineSeconds)`
  return { ending: { type: 'Failed', reason: 'DeadlineExceeded', message } }
}
