/** Whether the job trains, or what keeps it from doing so. */
import type { Finding } from '../conditions.ts'
import { allSlots, isRunning, listNames, runningIn, shortName, type World } from '../world.ts'
import { describeDrift } from './drift.ts'
import { trainingFinished } from './success.ts'

export function describeRunning(world: World): Finding {
  const { ps, worker } = world.desired
  const counts = `ps ${runningIn(world, 'ps')}/${ps}, workers ${runningIn(world, 'worker')}/${worker}`
  if (trainingFinished(world)) {
    const message = 'the last step is saved; the evaluator scores it'
    return { type: 'Running', status: 'True', reason: 'Evaluating', message }
  }
  const serving = world.slots.ps.every((slot) => isRunning(slot) || slot.pod?.phase === 'Succeeded')
  const working = world.slots.worker.some((slot) => isRunning(slot) || slot.pod?.phase === 'Succeeded')
  if (!serving || !working) {
    return { type: 'Running', status: 'False', reason: 'Starting', message: [counts, ...troubles(world)].join('; ') }
  }
  const drift = describeDrift(world)
  return {
    type: 'Running',
    status: 'True',
    reason: drift ? 'SpecChangePending' : 'Training',
    message: [counts, ...(drift ? [drift] : [])].join('; '),
  }
}

/** Why pending pods do not start, in the words of scheduler and kubelet. */
function troubles(world: World): string[] {
  const pending = allSlots(world).flatMap(({ pod }) => (pod?.phase === 'Pending' ? [pod] : []))
  const stuck = pending.filter((pod) => pod.unschedulable === undefined && pod.reason !== undefined)
  const first = stuck[0]
  if (!first) return []
  return [`${listNames(stuck.map(shortName))}: ${first.reason}${first.message ? `: ${first.message}` : ''}`]
}
