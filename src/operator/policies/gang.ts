/** The PodGroup of a gang is created before its pods, because schedulers ignore pods of an unknown group. */

import type { Job } from '../../api/job.ts'
import { gangOf } from '../../plan/gang.ts'
import type { Action } from '../actions.ts'

/**
 * Requests the PodGroup together with each pod of the gang instead of watching it: a cluster without a gang scheduler
 * has no such kind to watch. An existing PodGroup is updated.
 */
export function formGang(job: Pick<Job, 'spec'>, actions: readonly Action[]): Action[] {
  const isMember = (action: Action) =>
    (action.type === 'createPod' || action.type === 'replacePod') && action.role !== 'evaluator'
  return gangOf(job) !== undefined && actions.some(isMember) ? [{ type: 'createPodGroup' }] : []
}
