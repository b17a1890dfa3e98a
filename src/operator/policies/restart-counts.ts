/** Counts replaced pods. Each pod carries the counts of its place in labels; the status holds the sums. */
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

/** The counts of existing pods, plus the failures that ask for a replacement. */
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

/** Never less than in the previous status, because a deleted pod takes its counts along. */
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

/** Whether the stored status holds the counts: only then may the pods that carry them be deleted. */
export function isWrittenDown({ previous, restarts }: World): boolean {
  const before = previous?.restarts ?? { worker: 0, evaluator: 0, counted: 0 }
  return (
    before.worker >= restarts.worker && before.evaluator >= restarts.evaluator && before.counted >= restarts.counted
  )
}

/**
 * Orders for places whose pod was deleted with its counts. The first order gets the difference between the sums in the
 * status and the counts of the remaining pods, so that the sums stay correct.
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
