/** Creates missing pods: parameter servers, then workers at once, because workers wait for their servers themselves. */
import { ROLES } from '../../contract/names.ts'
import { schedulerOf } from '../../plan/gang.ts'
import type { Action } from '../actions.ts'
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts, ServiceFacts } from '../observed.ts'
import { listCauses, listNames, shortName } from '../pod-names.ts'
import { allSlots, type World } from '../world.ts'
import { workerToCopy } from './drift.ts'
import { describeForeignPods } from './lost-node.ts'
import { orderFromTotals } from './restart-counts.ts'
import { nodesToAvoid } from './stragglers.ts'

/** @param psLost a new generation of parameter servers follows, so none is created in this one */
export function startMissing(world: World, psLost: boolean): Action[] {
  const wanted = ROLES.filter((role) => {
    if (role === 'evaluator') return true
    return !world.trainingFinished && !(role === 'ps' && (psLost || endingServers(world).length > 0))
  })
  const empty = wanted.flatMap((role) => world.slots[role].filter((slot) => !slot.pod && !slot.occupant))
  const orderFor = orderFromTotals(world)
  const like = workerToCopy(world)?.name
  const pods = empty.map((slot): Action => {
    const copies = slot.role === 'worker' && like !== undefined ? { like } : {}
    const avoid = slot.role === 'worker' ? nodesToAvoid(world, slot.index) : []
    return { type: 'createPod', ...orderFor(slot), ...copies, ...(avoid.length > 0 && { avoid }) }
  })
  return world.observed.service ? pods : [{ type: 'createService' }, ...pods]
}

/**
 * Parameter servers of the previous generation that are still ending. They may still save a checkpoint; a new server
 * started beside them would restore an older step than its peers, or take part in their save.
 */
export function endingServers(world: World): PodFacts[] {
  return world.pods.filter((pod) => pod.role === 'ps' && (pod.deleting || world.leftovers.includes(pod)))
}

/** Deletes pods with an index beyond the desired count, after `workers.replicas` was lowered. */
export function removeSurplus(world: World): Action[] {
  return world.leftovers
    .filter((pod) => pod.role !== 'ps' && !pod.deleting)
    .map(({ name, uid }) => ({ type: 'deletePod', name, uid }))
}

/** @param lateForeignPods whose deletion is overdue */
export function describeCreation(world: World, lateForeignPods: readonly PodFacts[]): ConditionUpdate {
  const names = foreignObjects(world)
  if (names.length > 0) return describeForeignObjects(names, world, lateForeignPods)
  const slots = allSlots(world)
  const existing = slots.filter((slot) => slot.pod).length
  const isComplete = existing === slots.length || world.trainingFinished
  return {
    type: 'Created',
    status: isComplete ? 'True' : 'False',
    reason: isComplete ? 'AllCreated' : 'Creating',
    message: `${existing} of ${slots.length} pods exist`,
  }
}

function describeForeignObjects(names: string[], world: World, latePods: readonly PodFacts[]): ConditionUpdate {
  const listed = listNames(names)
  if (areBeingDeleted(world)) return describeForeignPods(listed, world, latePods)
  const message = `the name is taken: ${listed} belongs to another owner; delete it or rename the job`
  return { type: 'Created', status: 'False', reason: 'NameConflict', message }
}

function foreignObjects(world: World): string[] {
  return [...(foreignService(world) ? ['the service'] : []), ...world.foreignPods.map((pod) => `pod ${pod.name}`)]
}

function foreignService({ job, observed: { service } }: World): ServiceFacts | undefined {
  return service?.ownerUid === job.metadata.uid ? undefined : service
}

/** Whether all foreign objects are being deleted, as after a job was deleted and created again at once. */
function areBeingDeleted(world: World): boolean {
  return world.foreignPods.every(({ deleting }) => deleting) && foreignService(world)?.deleting !== false
}

export function describeScheduling(world: World): ConditionUpdate {
  const waiting = allSlots(world).flatMap(({ pod }) => (pod?.unschedulable === undefined ? [] : [pod]))
  if (waiting.length > 0)
    return {
      type: 'Scheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: listCauses(waiting, ({ unschedulable }) => unschedulable),
    }
  const missing = allSlots(world).filter(({ pod }) => !pod)
  if (missing.length > 0 && !world.trainingFinished) {
    const message = `${missing.length} pods do not exist yet`
    return { type: 'Scheduled', status: 'False', reason: 'Creating', message }
  }
  const unplaced = allSlots(world).flatMap(({ pod }) => (pod?.phase === 'Pending' && !pod.isPlaced ? [pod] : []))
  if (unplaced.length > 0) {
    const whose = schedulerOf(world.job)
    const message = `${listNames(unplaced.map(shortName))}: not yet seen by ${whose ? `scheduler "${whose}"` : 'the scheduler'}`
    return { type: 'Scheduled', status: 'False', reason: 'Scheduling', message }
  }
  return { type: 'Scheduled', status: 'True', reason: 'Scheduled', message: 'every pod has a node' }
}
