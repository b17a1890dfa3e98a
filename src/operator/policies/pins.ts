/** A checkpoint that a FinetuneJob starts from is not purged under it: the coordinator is told, and told again. */
import { isDeepStrictEqual } from 'node:util'
import type { Action } from '../actions.ts'
import { isRunning, type World } from '../world.ts'

/** What the coordinator says it keeps is held against what is in use: one that restarted has forgotten. */
export function pinCheckpoints(world: World): Action[] {
  const { coordinator, pins } = world.observed
  const [first] = world.slots.ps
  const podIP = first && isRunning(first) ? first.pod?.podIP : undefined
  if (!coordinator || podIP === undefined || isDeepStrictEqual(coordinator.pinned, pins)) return []
  return [{ type: 'pinCheckpoints', podIP, steps: pins }]
}
