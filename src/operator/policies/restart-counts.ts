/** How often pods were replaced. Each pod carries the numbers of its place; the status has the sums. */
import type { JobStatus } from '../../api/status.ts'
import type { Role } from '../../contract/names.ts'
import type { PodOrder } from '../actions.ts'
import type { PodFacts } from '../observed.ts'
import type { PlacedPods, Slot, World } from '../world.ts'

interface Counts {
  worker: number
  evaluator: number
  counted: number
}

/** What the pods that exist carry, with the failures that ask for a replacement. */
function carriedByPods({ pods, failures }: Pick<World, 'pods' | 'failures'>): Counts {
  const failed = [...failures]
  const sum = (pick: (pod: PodFacts) => number) => pods.reduce((total, pod) => total + pick(pod), 0)
  const attempts = (role: Role) =>
    sum((pod) => (pod.role === role ? pod.attempt : 0)) + failed.filter(([pod]) => pod.role === role).length
  return {
    worker: attempts('worker'),
    evaluator: attempts('evaluator'),
    counted: sum((pod) => pod.failures) + failed.filter(([, failure]) => failure.counted).length,
  }
}

/** Never less than what was written before: a deleted pod takes its numbers along. */
export function countRestarts(
  { pods, psGeneration }: PlacedPods,
  failures: World['failures'],
  before: JobStatus['restarts'] | undefined,
): JobStatus['restarts'] {
  const carried = carriedByPods({ pods, failures })
  const worker = Math.max(before?.worker ?? 0, carried.worker)
  const evaluator = Math.max(before?.evaluator ?? 0, carried.evaluator)
  const counted = Math.max(before?.counted ?? 0, carried.counted)
  return { ps: psGeneration, worker, evaluator, counted, total: psGeneration + worker + evaluator }
}

/** Whether the status that is already written holds these numbers: only then may the pods that carry them go. */
export function isWrittenDown({ previous, restarts }: World): boolean {
  const before = previous?.restarts ?? { worker: 0, evaluator: 0, counted: 0 }
  return (
    before.worker >= restarts.worker && before.evaluator >= restarts.evaluator && before.counted >= restarts.counted
  )
}

/**
 * Orders for places whose pod vanished with its numbers. The first one gets what the sums in the status have more than
 * the pods that are left, so that the sums stay true and nothing is ever counted up.
 */
export function orderFromTotals(world: World): (slot: Slot) => PodOrder {
  const { restarts } = world
  const carried = carriedByPods(world)
  const left = {
    worker: restarts.worker - carried.worker,
    evaluator: restarts.evaluator - carried.evaluator,
    counted: restarts.counted - carried.counted,
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
