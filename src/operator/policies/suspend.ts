/** Suspended: the pods go, the checkpoints stay. Parameter servers save on SIGTERM, within their grace period. */
import type { Action } from '../actions.ts'
import type { Finding } from '../conditions.ts'
import type { World } from '../world.ts'

const AT_WORK = ['Running', 'Degraded', 'Stalled', 'Restarting'] as const

export function removeAll(world: World): Action[] {
  return world.pods.filter((pod) => !pod.deleting).map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}

export function describeSuspension(world: World): Finding {
  if (!world.job.spec.suspend) {
    return { type: 'Suspended', status: 'False', reason: 'Resumed', message: 'spec.suspend is false' }
  }
  const left = world.pods.length
  const message =
    left === 0
      ? 'set spec.suspend to false to go on from the last checkpoint'
      : `${left} pods are ending; parameter servers save a checkpoint`
  return { type: 'Suspended', status: 'True', reason: left === 0 ? 'Suspended' : 'Suspending', message }
}

/** What the conditions about pods say while the job is to have none. */
export function withoutPods(reason: string, message: string): Finding[] {
  const off = { status: 'False' as const, reason, message }
  return (['Created', 'Scheduled', ...AT_WORK] as const).map((type) => ({ type, ...off }))
}

/** What they say once the job has ended: which pods there were stays as it is. */
export function atRest(reason: string, message: string): Finding[] {
  return AT_WORK.map((type) => ({ type, status: 'False', reason, message }))
}
