/** A lost worker slows the job down: Degraded while others run, Stalled when fewer than the quorum run for too long. */
import type { ConditionUpdate } from '../conditions.ts'
import { findCondition } from '../conditions.ts'
import type { PodFacts } from '../observed.ts'
import { listNames, shortName } from '../pod-names.ts'
import { failuresAmong, isRunning, runningIn, type Slot, type World } from '../world.ts'

export function describeDegradation(world: World): ConditionUpdate {
  const wasRunning = findCondition(world.previous?.conditions, 'Running')?.status === 'True'
  const watched = world.trainingFinished ? [] : world.slots.worker
  const lost = [...watched, ...world.slots.evaluator].filter((slot) => isLost(slot, wasRunning))
  const { worker } = world.desired
  if (lost.length === 0) {
    return { type: 'Degraded', status: 'False', reason: 'AllThere', message: 'no worker is lost' }
  }
  const why = failuresAmong(world, lost)
    .slice(0, 3)
    .map(({ failure }) => failure.text)
  const facts = [`${runningIn(world, 'worker')} of ${worker} workers run`, `lost: ${listNames(lost.map(shortName))}`]
  return { type: 'Degraded', status: 'True', reason: 'PodsLost', message: [...facts, ...why].join('; ') }
}

function isLost(slot: Slot, wasRunning: boolean): boolean {
  const { pod } = slot
  if (!pod) return wasRunning
  if (pod.phase === 'Succeeded' || isRunning(slot)) return false
  return pod.phase !== 'Pending' || isSuccessor(pod) || pod.deleting
}

const isSuccessor = (pod: PodFacts): boolean => pod.attempt > 0

/** Milliseconds since which fewer workers than the quorum run; undefined: enough workers run. */
export function belowQuorumSinceMs(world: World, startedAtMs: number, degraded: ConditionUpdate): number | undefined {
  const quorum = world.job.spec.workers.quorum ?? 1
  const finished = world.slots.worker.filter((slot) => slot.pod?.phase === 'Succeeded').length
  if (runningIn(world, 'worker') + finished >= quorum) return undefined
  const before = findCondition(world.previous?.conditions, 'Degraded')
  if (degraded.status !== 'True') return startedAtMs
  return before?.status === 'True' ? Date.parse(before.lastTransitionTime) : world.nowMs
}
