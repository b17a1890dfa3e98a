/** Keeps the coordinator from deleting checkpoints that other jobs start from. */
import { isDeepStrictEqual } from 'node:util'
import type { Action } from '../actions.ts'
import { isRunning, type World } from '../world.ts'

/** Compares the coordinator's pins with those in use at each reconcile, because a restarted coordinator has none. */
export function pinCheckpoints(world: World): Action[] {
  const { coordinator, pins } = world.observed
  const [first] = world.slots.ps
  const podIP = first && isRunning(first) ? first.pod?.podIP : undefined
  if (!coordinator || podIP === undefined || isDeepStrictEqual(coordinator.pinned, pins)) return []
  return [{ type: 'pinCheckpoints', podIP, steps: pins }]
}
