/** Does what `decide` asked for: many requests at once, each failure by itself, pods once nothing speaks against them. */
import { mapLimit } from '../kube/map-limit.ts'
import type { Action } from './actions.ts'
import { applyOne, type Means } from './apply-one.ts'
import { makesPod } from './obstacles.ts'
import { completePlan } from './planned.ts'
import type { Rehearsal } from './rehearsal.ts'

const IN_PARALLEL = 50

export interface ApplyContext extends Means {
  rehearsal: Rehearsal
  /** The last try met something that keeps out every pod. */
  isObstructed: boolean
}

export interface Failed {
  item: Action
  error: unknown
}

type PodAction = Extract<Action, { type: 'createPod' | 'replacePod' }>
const isPodAction = (action: Action): action is PodAction => makesPod(action.type)
const isGroundwork = ({ type }: Action) => type === 'createService' || type === 'createPodGroup'

/**
 * Begins the actions in their order. Pods are made once what they need is there and the API server has taken one of each
 * role in rehearsal. @returns those that failed; an aborted signal fails the rest
 */
export async function applyActions(actions: readonly Action[], context: ApplyContext): Promise<Failed[]> {
  const pods = actions.filter(isPodAction)
  const [groundwork, refused] = await Promise.all([
    applyAll(actions.filter(isGroundwork), context),
    rehearse(pods, context),
  ])
  const others = actions.filter((action) => !isPodAction(action) && !isGroundwork(action))
  const obstacle = groundwork[0] ?? refused[0]
  if (obstacle) {
    const waiting = pods.map((item) => ({ item, error: obstacle.error }))
    return [...groundwork, ...waiting, ...(await applyAll(others, context))]
  }
  return (await Promise.all([makePods(pods, context), applyAll(others, context)])).flat()
}

async function rehearse(pods: readonly PodAction[], { planned, rehearsal, signal }: ApplyContext): Promise<Failed[]> {
  if (pods.length === 0) return []
  const refused = await rehearsal.rehearse(pods, completePlan(planned), signal)
  return refused.map(({ order, error }) => ({ item: order, error }))
}

/** While something stands in the way, one pod finds out whether it still does. */
async function makePods(pods: readonly PodAction[], context: ApplyContext): Promise<Failed[]> {
  const [first, ...others] = pods
  if (!context.isObstructed || !first) return applyAll(pods, context)
  const [failed] = await applyAll([first], context)
  return failed ? pods.map((item) => ({ item, error: failed.error })) : applyAll(others, context)
}

async function applyAll(actions: readonly Action[], context: ApplyContext): Promise<Failed[]> {
  const { errors } = await mapLimit(actions, IN_PARALLEL, async (action) => {
    context.signal.throwIfAborted()
    await applyOne(action, context)
  })
  return errors
}
