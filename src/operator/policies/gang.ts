/** The PodGroup of a gang is made before its pods: a scheduler leaves pods of an unknown group aside. */

import type { Job } from '../../api/job.ts'
import { gangOf } from '../../plan/gang.ts'
import type { Action } from '../actions.ts'

/**
 * Asked for with every pod of the gang rather than watched: whoever has no gang scheduler has no such kind to watch. One
 * that is there is kept, and brought up to date.
 */
export function formGang(job: Pick<Job, 'spec'>, actions: readonly Action[]): Action[] {
  const isMember = (action: Action) =>
    (action.type === 'createPod' || action.type === 'replacePod') && action.role !== 'evaluator'
  return gangOf(job) !== undefined && actions.some(isMember) ? [{ type: 'createPodGroup' }] : []
}
