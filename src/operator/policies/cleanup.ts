/** Pods of a job that has ended; called once the end is written down, for pods hold the evidence. */
import type { Action } from '../actions.ts'
import { isFinished, type World } from '../world.ts'

export function cleanUp(world: World): Action[] {
  const policy = world.job.spec.cleanPodPolicy
  if (policy === 'None') return []
  return world.pods
    .filter((pod) => !pod.deleting && (policy === 'All' || !isFinished(pod)))
    .map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}
