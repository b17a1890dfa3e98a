/** Describes whether the job trains, or why not. */
import type { ConditionUpdate } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { listCauses } from '../pod-names.ts'
import { allSlots, isFinished, isRunning, runningIn, type World } from '../world.ts'
import { describeDrift } from './drift.ts'

export function describeRunning(world: World): ConditionUpdate {
  const { ps, worker } = world.desired
  const counts = `ps ${runningIn(world, 'ps')}/${ps}, workers ${runningIn(world, 'worker')}/${worker}`
  if (world.trainingFinished) {
    const message = 'the last step is saved; the evaluator scores it'
    return { type: 'Running', status: 'True', reason: 'Evaluating', message }
  }
  const serving = world.slots.ps.every((slot) => isRunning(slot) || slot.pod?.phase === 'Succeeded')
  const working = world.slots.worker.some((slot) => isRunning(slot) || slot.pod?.phase === 'Succeeded')
  const stuck = stuckPods(world)
  const facts = [counts, ...(stuck.length > 0 ? [listCauses(stuck, reasonOf, textOf)] : [])]
  if (!serving || !working) {
    const reason = stuck[0] ? reasonOf(stuck[0]) : 'Starting'
    return { type: 'Running', status: 'False', reason, message: facts.join('; ') }
  }
  const drift = describeDrift(world)
  return {
    type: 'Running',
    status: 'True',
    reason: drift ? 'SpecChangePending' : 'Training',
    message: [...facts, ...(drift ? [drift] : [])].join('; '),
  }
}

/** Pods that have a node but do not start, or run while a container that a webhook added does not. */
function stuckPods(world: World): PodFacts[] {
  const alive = allSlots(world).flatMap(({ pod }) => (pod && !isFinished(pod) ? [pod] : []))
  return alive.filter((pod) => pod.unschedulable === undefined && pod.reason !== undefined)
}

/** The kubelet's reason and message. */
function textOf({ reason, message }: PodFacts): string {
  return `${reason}${message ? `: ${message}` : ''}`
}

/** A kubelet that retries reports the two reasons in turn. */
function reasonOf({ reason = 'Starting' }: PodFacts): string {
  return reason === 'ErrImagePull' ? 'ImagePullBackOff' : reason
}
