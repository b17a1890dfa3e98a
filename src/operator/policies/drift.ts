/** A change of the spec does not reach pods that run: parameter servers and workers must agree on every number. */
import type { World } from '../world.ts'

/** @returns what to tell the user; undefined when all pods were made from the present spec */
export function describeDrift(world: World): string | undefined {
  const { planHash } = world.observed
  const isOld = world.slots.ps.some(({ pod }) => pod?.planHash !== undefined && pod.planHash !== planHash)
  if (!isOld) return undefined
  return 'the spec (or the default image) has changed since the pods were made; suspend and resume the job to apply it'
}
