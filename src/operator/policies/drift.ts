/** A change of the spec does not reach pods that run: parameter servers and workers must agree on every number. */
import type { Action } from '../actions.ts'
import type { PodFacts } from '../observed.ts'
import type { World } from '../world.ts'

/** Whether parameter servers run that were made from another spec, default image or operator than the present one. */
export function isDrifted(world: World): boolean {
  const { planHash } = world.observed
  return world.slots.ps.some(({ pod }) => pod?.planHash !== undefined && pod.planHash !== planHash)
}

/** @returns what to tell the user; undefined when all pods were made from the present spec */
export function describeDrift(world: World): string | undefined {
  if (!isDrifted(world)) return undefined
  return 'the spec (or the default image) has changed since the pods were made; suspend and resume the job to apply it'
}

/** While the plan has drifted a new worker is made like one that is there: it joins servers with the former numbers. */
export function workerToCopy(world: World): PodFacts | undefined {
  if (!isDrifted(world)) return undefined
  const running = world.slots.ps.map(({ pod }) => pod?.planHash).find((hash) => hash !== undefined)
  return world.slots.worker.flatMap(({ pod }) => (pod?.planHash === running && !pod?.deleting ? (pod ?? []) : []))[0]
}

/** Workers with former numbers, once the parameter servers came back with the present ones. */
export function removeOutdated(world: World): Action[] {
  const { planHash } = world.observed
  if (!world.slots.ps.every(({ pod }) => pod?.planHash === planHash)) return []
  const outdated = world.slots.worker.flatMap(({ pod }) => (pod?.planHash !== undefined ? [pod] : []))
  return outdated
    .filter((pod) => pod.planHash !== planHash && !pod.deleting && pod.phase !== 'Succeeded')
    .map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}
