/** The status of a job that goes on: until the operator has looked at it in this run, it tells of the former one. */
import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../../api/job.ts'

/** The pods of these ended with the previous run. */
const HAD_PODS = new Set(['Running', 'Starting'])

/** @param former what was written when this run began */
export function withoutPreviousStatus(job: Job, former: Job['status']): Job {
  const { status, ...rest } = job
  if (!status || !former || !HAD_PODS.has(status.phase) || waitsAsBefore(status)) return job
  if (isDeepStrictEqual(status, former)) return rest as Job
  if (status.progress?.updatedAt !== former.progress?.updatedAt) return job
  const { progress: _, ...known } = status
  return { ...rest, status: known } as Job
}

/** Its pods never began, so none ended with the previous run: nothing changes, and the operator writes nothing anew. */
function waitsAsBefore({ phase, conditions }: NonNullable<Job['status']>): boolean {
  return phase === 'Starting' && conditions.some(({ type, status }) => type === 'Scheduled' && status === 'False')
}
