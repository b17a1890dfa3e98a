/** Ends the remaining containers of a pod whose main container has ended. */
import type { Action } from '../actions.ts'
import type { World } from '../world.ts'

/** @param actions the other actions of this decision; pods that they delete are skipped */
export function endSidecars(world: World, actions: readonly Action[]): Action[] {
  const deleted = new Set(actions.flatMap((action) => ('uid' in action ? [action.uid] : [])))
  return world.pods
    .filter((pod) => pod.othersRun && !pod.isEnding && !pod.deleting && !deleted.has(pod.uid))
    .map(({ name, uid }) => ({ type: 'endPod', name, uid }))
}
