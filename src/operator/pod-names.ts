/** Names of pods in messages: short, and never a list of fifty. */
import type { Role } from '../contract/names.ts'

/** A scheduler's explanations are long, so a message holds only a few of them. */
const MAX_CAUSES = 3
const MAX_NAMES = 3

interface RoleAndIndex {
  role: Role
  index: number
}

/** @example shortName({ role: 'worker', index: 17 }) === 'worker-17' */
export function shortName(pod: RoleAndIndex): string {
  return `${pod.role}-${pod.index}`
}

/**
 * @example listNames(['worker-1', 'worker-2', 'worker-3', 'worker-4']) === 'worker-1, worker-2, worker-3 and 1 more'
 */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(', ')
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown
}

/**
 * Lists why pods do not run, each cause with its pods, because someone who fixes one cause should know about the next.
 * @param textOf describes a cause by the first pod that has it. Default: the cause itself
 */
export function listCauses<Pod extends RoleAndIndex>(
  pods: readonly Pod[],
  causeOf: (pod: Pod) => string | undefined,
  textOf = causeOf,
): string {
  const byCause = [...Map.groupBy(pods, causeOf).values()]
  const sentences = byCause
    .slice(0, MAX_CAUSES)
    .map((alike) => `${listNames(alike.map(shortName))}: ${textOf(alike[0] as Pod)}`)
  const more = byCause.slice(MAX_CAUSES).flat().length
  return [...sentences, ...(more > 0 ? [`${more} more for other reasons`] : [])].join('; ')
}
