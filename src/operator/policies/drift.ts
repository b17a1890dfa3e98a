/** Running pods keep the settings that they started with, because servers and workers must agree on all of them. */
import type { Action } from '../actions.ts'
import type { PodFacts } from '../observed.ts'
import type { World } from '../world.ts'

/** Whether parameter servers run that were created from another spec, default image or operator version. */
export function isDrifted(world: World): boolean {
  const { planHash } = world.observed
  return world.slots.ps.some(({ pod }) => pod?.planHash !== undefined && pod.planHash !== planHash)
}

/** @returns a message for the user; undefined when all pods were created from the current spec */
export function describeDrift(world: World): string | undefined {
  if (!isDrifted(world)) return undefined
  return 'the spec (or the default image) has changed since the pods were created; suspend and resume the job to apply it'
}

/** While the plan has drifted, new workers copy an existing one, because the running servers have its settings. */
export function workerToCopy(world: World): PodFacts | undefined {
  if (!isDrifted(world)) return undefined
  const running = world.slots.ps.map(({ pod }) => pod?.planHash).find((hash) => hash !== undefined)
  return world.slots.worker.flatMap(({ pod }) => (pod?.planHash === running && !pod?.deleting ? (pod ?? []) : []))[0]
}

/** Deletes workers with old settings after the parameter servers have restarted with the current ones. */
export function removeOutdated(world: World): Action[] {
  const { planHash } = world.observed
  if (!world.slots.ps.every(({ pod }) => pod?.planHash === planHash)) return []
  const outdated = world.slots.worker.flatMap(({ pod }) => (pod?.planHash !== undefined ? [pod] : []))
  return outdated
    .filter((pod) => pod.planHash !== planHash && !pod.deleting && pod.phase !== 'Succeeded')
    .map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}
