/**
 * Suspension deletes the pods and keeps the checkpoints. Parameter servers save on SIGTERM, within their grace period.
 */
import { CONDITION_TYPES, CONDITIONS, type ConditionType } from '../../api/conditions.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { World } from '../world.ts'

export function removeAll(world: World): Action[] {
  return world.pods.filter((pod) => !pod.deleting).map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}

export function describeSuspension(world: World): ConditionUpdate {
  if (!world.job.spec.suspend) {
    return { type: 'Suspended', status: 'False', reason: 'Resumed', message: 'spec.suspend is false' }
  }
  const left = world.pods.length
  const message =
    left === 0
      ? 'set spec.suspend to false to continue from the last checkpoint'
      : `${left} pods are ending; parameter servers save a checkpoint`
  return { type: 'Suspended', status: 'True', reason: left === 0 ? 'Suspended' : 'Suspending', message }
}

/** The conditions about pods while the job is to have none. */
export function withoutPods(reason: string, message: string): ConditionUpdate[] {
  return CONDITION_TYPES.filter((type) => CONDITIONS[type].endsWithPods !== 'never').map(off(reason, message))
}

/** The conditions about pods after the job has ended: those about pods that existed stay as they are. */
export function endedConditions(reason: string, message: string): ConditionUpdate[] {
  return CONDITION_TYPES.filter((type) => CONDITIONS[type].endsWithPods === 'whenJobEnds').map(off(reason, message))
}

function off(reason: string, message: string): (type: ConditionType) => ConditionUpdate {
  return (type) => ({ type, status: 'False', reason, message })
}
