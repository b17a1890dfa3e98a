/** Hides the parts of a continued job's status that are left from the previous run, until the operator updates them. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../../api/job.ts'

/** In these phases a job had pods, which ended with the previous run. */
const HAD_PODS = new Set(['Running', 'Starting'])

/** @param previous the status when this run began */
export function withoutPreviousStatus(job: Job, previous: Job['status']): Job {
  const { status, ...rest } = job
  if (!status || !previous || !HAD_PODS.has(status.phase) || waitsAsBefore(status)) return job
  if (isDeepStrictEqual(status, previous)) return rest as Job
  if (status.progress?.updatedAt !== previous.progress?.updatedAt) return job
  const { progress: _, ...known } = status
  return { ...rest, status: known } as Job
}

/** Pods that were never scheduled did not end with the previous run: the status is still true, and the operator keeps it. */
function waitsAsBefore({ phase, conditions }: NonNullable<Job['status']>): boolean {
  return phase === 'Starting' && conditions.some(({ type, status }) => type === 'Scheduled' && status === 'False')
}
