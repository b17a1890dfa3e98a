/**
 * Restarts all parameter servers together, as a generation: one that restarts alone would have older weights than its
 * peers.
 */
import type { Action } from '../actions.ts'
import { type ConditionUpdate, isTrue } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { listNames, shortName } from '../pod-names.ts'
import { failuresAmong, isRunning, type World } from '../world.ts'
import { dueAtMs } from './pod-failure.ts'
import { isWrittenDown } from './restart-counts.ts'
import { endingServers } from './startup.ts'

export interface Restart {
  /** The generation for the status; pods of a lower one are deleted after it is written. */
  psGeneration: number
  /** Parameter servers of this generation were lost. No pod is created in it, because a new generation follows. */
  lost: boolean
  actions: Action[]
  update: ConditionUpdate
  requeueAtMs?: number
}

/** @param unseen parameter servers on lost nodes, which may still run */
export function restartParameterServers(world: World, unseen: readonly PodFacts[]): Restart {
  const failed = failuresAmong(world, world.slots.ps)
  const missing = hadAll(world) ? world.slots.ps.filter((slot) => !slot.pod && !slot.occupant) : []
  // Drained or deleted by a user: while it ends it still answers, so its peers can save with it.
  // Excludes pods deleted by suspension; status already shows them as gone.
  const removed = world.slots.ps.flatMap(({ pod }) => (pod?.deleting && wasComplete(world) ? [pod] : []))
  const lost = unseen.filter((pod) => !removed.includes(pod))
  const leftovers = world.leftovers.filter((pod) => pod.role === 'ps' && !pod.deleting)
  const actions = leftovers.map(({ name, uid }): Action => ({ type: 'deletePod', name, uid }))
  if (failed.length + missing.length + removed.length + lost.length === 0) {
    return { psGeneration: world.psGeneration, lost: false, actions, update: describeGeneration(world) }
  }
  const causes = [
    ...failed.map(({ failure }) => failure.text),
    ...missing.map((slot) => `${shortName(slot)} does not exist`),
    ...removed.map((pod) => `${shortName(pod)} is being deleted`),
    ...lost.map((pod) => `${shortName(pod)} is lost with its node`),
  ]
  const update: ConditionUpdate = {
    type: 'Restarting',
    status: 'True',
    reason: 'ParameterServerLost',
    message: `${causes.join('; ')}; all parameter servers restart from the last checkpoint`,
  }
  const requeueAtMs = Math.max(0, ...failed.map(({ pod }) => dueAtMs(pod, world.nowMs)))
  const isDue = requeueAtMs <= world.nowMs && isWrittenDown(world)
  const psGeneration = world.psGeneration + (isDue ? 1 : 0)
  return { psGeneration, lost: true, actions, update, requeueAtMs }
}

/**
 * Whether all servers of this generation have existed: then a missing one is lost rather than not created yet. The
 * first generation may train before any status is written.
 */
function hadAll(world: World): boolean {
  const written = world.previous?.psGeneration ?? 0
  return written === world.psGeneration && (wasComplete(world) || isTraining(world))
}

/** According to the status. A server that is not ready, perhaps on a silent node, has trained before. */
function wasComplete(world: World): boolean {
  const before = world.previous
  if (!before || before.psGeneration !== world.psGeneration) return false
  if (isTrue(before.conditions, 'Running')) return true
  return before.replicas.ps.ready + before.replicas.ps.succeeded >= world.desired.ps
}

/** Every push reaches all parameter servers, so after phase `waiting` each of them has run. */
function isTraining(world: World): boolean {
  const { coordinator } = world.observed
  return coordinator !== undefined && coordinator.phase !== 'waiting' && world.slots.ps[0]?.pod?.phase === 'Running'
}

function describeGeneration(world: World): ConditionUpdate {
  const waiting = world.slots.ps.filter((slot) => !isRunning(slot) && slot.pod?.phase !== 'Succeeded')
  const isBack = world.psGeneration === 0 || waiting.length === 0
  const ending = endingServers(world)
  const first =
    ending.length > 0 ? `, after ${listNames(ending.map(shortName))} of the previous generation has ended` : ''
  return {
    type: 'Restarting',
    status: isBack ? 'False' : 'True',
    reason: isBack ? 'Restored' : 'ParameterServerStarting',
    message: isBack
      ? `generation ${world.psGeneration} of the parameter servers runs`
      : `generation ${world.psGeneration}: waiting for ${listNames(waiting.map(shortName))}${first}`,
  }
}
