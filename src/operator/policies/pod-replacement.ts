/** Replaces failed workers and evaluators under the same name, after a back-off that grows with each attempt. */
import type { Action } from '../actions.ts'
import type { PodFacts } from '../observed.ts'
import { failuresAmong, type World } from '../world.ts'
import { isDrifted } from './drift.ts'
import { dueAtMs } from './pod-failure.ts'
import { isWrittenDown } from './restart-counts.ts'
import { nodesToAvoid } from './stragglers.ts'

export interface Replacement {
  actions: Action[]
  /** One message for each replaced pod. */
  texts: string[]
  requeueAtMs?: number
}

export function replaceFailed(world: World): Replacement {
  const slots = [...world.slots.worker, ...world.slots.evaluator]
  const failed = failuresAmong(world, slots)
  const due = failed.filter(({ pod }) => dueAtMs(pod, world.nowMs) <= world.nowMs && isWrittenDown(world))
  const waiting = failed.filter((one) => !due.includes(one))
  const premature = slots.flatMap(({ pod }) => (pod && finishedTooEarly(world, pod) ? [pod] : []))
  return {
    actions: [...due.map(({ pod }) => pod), ...premature].map((pod) => replace(world, pod)),
    texts: due.map(({ pod, failure }) => `${failure.text}; attempt ${pod.attempt + 2} starts`),
    ...(waiting.length > 0 ? { requeueAtMs: Math.min(...waiting.map(({ pod }) => dueAtMs(pod, world.nowMs))) } : {}),
  }
}

/** A pod with running sidecars is only deleted: its successor is created when the name is free. */
function replace(world: World, pod: PodFacts): Action {
  if (pod.outlived) return { type: 'deletePod', name: pod.name, uid: pod.uid }
  const failure = world.failures.get(pod)
  const avoid = pod.role === 'worker' ? nodesToAvoid(world, pod.index) : []
  return {
    type: 'replacePod',
    name: pod.name,
    uid: pod.uid,
    role: pod.role,
    index: pod.index,
    attempt: pod.attempt + (failure ? 1 : 0),
    generation: world.psGeneration,
    failures: pod.failures + (failure?.counted ? 1 : 0),
    ...(pod.role === 'worker' && isDrifted(world) ? { like: pod.name } : {}),
    ...(avoid.length > 0 && { avoid }),
  }
}

/**
 * A worker exits with 0 when its parameter server reports the end of training. If that server is lost before it has
 * saved the last step, its successor resumes from an earlier step and needs the worker again.
 */
function finishedTooEarly(world: World, pod: PodFacts): boolean {
  if (pod.role !== 'worker' || pod.phase !== 'Succeeded' || pod.deleting) return false
  const { coordinator } = world.observed
  if (world.psGeneration === 0 || world.trainingFinished || !coordinator) return false
  // Judged by steps and connections, because the clocks of two machines may differ.
  const isAtWork = coordinator.phase === 'waiting' || coordinator.phase === 'training'
  return isAtWork && coordinator.workersConnected === 0 && coordinator.step < coordinator.maxSteps
}
