/** How often pods were replaced. Each pod carries the numbers of its place; the status has the sums. */
import type { JobStatus } from '../../api/status.ts'
import type { Role } from '../../contract/names.ts'
import type { PodOrder } from '../actions.ts'
import type { PodFacts } from '../observed.ts'
import type { Slot, World } from '../world.ts'
import { failuresOf } from './failure.ts'

interface Counts {
  worker: number
  evaluator: number
  counted: number
}

/** What the pods that exist can tell, with the failures that ask for a replacement. */
function carriedByPods(world: World): Counts {
  const failed = failuresOf(world)
  const sum = (pick: (pod: PodFacts) => number) => world.pods.reduce((total, pod) => total + pick(pod), 0)
  const attempts = (role: Role) =>
    sum((pod) => (pod.role === role ? pod.attempt : 0)) + failed.filter(({ pod }) => pod.role === role).length
  return {
    worker: attempts('worker'),
    evaluator: attempts('evaluator'),
    counted: sum((pod) => pod.failures) + failed.filter(({ failure }) => failure.counted).length,
  }
}

/** Never less than what was written before: a deleted pod takes its numbers along. */
export function restartsOf(world: World): JobStatus['restarts'] {
  const before = world.previous?.restarts
  const carried = carriedByPods(world)
  const worker = Math.max(before?.worker ?? 0, carried.worker)
  const evaluator = Math.max(before?.evaluator ?? 0, carried.evaluator)
  const counted = Math.max(before?.counted ?? 0, carried.counted)
  const ps = world.psGeneration
  return { ps, worker, evaluator, counted, total: ps + worker + evaluator }
}

/** Whether the status that is already written holds these numbers: only then may the pods that carry them go. */
export function isWrittenDown(world: World, restarts: JobStatus['restarts']): boolean {
  const before = world.previous?.restarts ?? { worker: 0, evaluator: 0, counted: 0 }
  return (
    before.worker >= restarts.worker && before.evaluator >= restarts.evaluator && before.counted >= restarts.counted
  )
}

/**
 * Orders for places whose pod vanished with its numbers. The first one gets what the sums in the status have more than
 * the pods that are left, so that the sums stay true and nothing is ever counted up.
 */
export function orderWithMemory(world: World): (slot: Slot) => PodOrder {
  const totals = restartsOf(world)
  const carried = carriedByPods(world)
  const left = {
    worker: totals.worker - carried.worker,
    evaluator: totals.evaluator - carried.evaluator,
    counted: totals.counted - carried.counted,
  }
  const take = (key: keyof Counts) => {
    const taken = left[key]
    left[key] = 0
    return taken
  }
  return ({ role, index }) => ({
    role,
    index,
    attempt: role === 'ps' ? world.psGeneration : take(role),
    generation: world.psGeneration,
    failures: take('counted'),
  })
}
