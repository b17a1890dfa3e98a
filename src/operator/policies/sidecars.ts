/** The container named for the role is the pod: once it has ended, what others have put beside it is to end too. */
import type { Action } from '../actions.ts'
import type { World } from '../world.ts'

/** @param actions what is done otherwise: a pod that is deleted needs nothing more */
export function endSidecars(world: World, actions: readonly Action[]): Action[] {
  const going = new Set(actions.flatMap((action) => ('uid' in action ? [action.uid] : [])))
  return world.pods
    .filter((pod) => pod.othersRun && !pod.isEnding && !pod.deleting && !going.has(pod.uid))
    .map(({ name, uid }) => ({ type: 'endPod', name, uid }))
}
