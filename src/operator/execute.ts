/** Executes the actions of a decision in parallel and collects their failures; pods come after their prerequisites. */
import { mapLimit } from '../kube/map-limit.ts'
import type { Action } from './actions.ts'
import { createsPod } from './create-errors.ts'
import { type ActionContext, executeAction } from './execute-action.ts'
import { completePlan } from './planned.ts'
import type { Rehearsal } from './rehearsal.ts'

const IN_PARALLEL = 50

export interface ExecuteContext extends ActionContext {
  rehearsal: Rehearsal
  /** The last attempt failed for a reason that blocks every pod of the job. */
  isBlocked: boolean
}

export interface Failed {
  item: Action
  error: unknown
}

type PodAction = Extract<Action, { type: 'createPod' | 'replacePod' }>
const isPodAction = (action: Action): action is PodAction => createsPod(action.type)
const isPrerequisite = ({ type }: Action) => type === 'createService' || type === 'createPodGroup'

/**
 * Starts the actions in their order. Pods are created after the service and the PodGroup exist and the API server has
 * accepted one pod of each role in a dry run. @returns the failed actions; an aborted signal fails the remaining ones
 */
export async function executeActions(actions: readonly Action[], context: ExecuteContext): Promise<Failed[]> {
  const pods = actions.filter(isPodAction)
  const [prerequisites, refused] = await Promise.all([
    executeAll(actions.filter(isPrerequisite), context),
    rehearse(pods, context),
  ])
  const others = actions.filter((action) => !isPodAction(action) && !isPrerequisite(action))
  const blocker = prerequisites[0] ?? refused[0]
  if (blocker) {
    const waiting = pods.map((item) => ({ item, error: blocker.error }))
    return [...prerequisites, ...waiting, ...(await executeAll(others, context))]
  }
  return (await Promise.all([makePods(pods, context), executeAll(others, context)])).flat()
}

async function rehearse(pods: readonly PodAction[], { planned, rehearsal, signal }: ExecuteContext): Promise<Failed[]> {
  if (pods.length === 0) return []
  const refused = await rehearsal.rehearse(pods, completePlan(planned), signal)
  return refused.map(({ order, error }) => ({ item: order, error }))
}

/** While pods are blocked, tries a single one first: fifty refused requests would only load the API server. */
async function makePods(pods: readonly PodAction[], context: ExecuteContext): Promise<Failed[]> {
  const [first, ...others] = pods
  if (!context.isBlocked || !first) return executeAll(pods, context)
  const [failed] = await executeAll([first], context)
  return failed ? pods.map((item) => ({ item, error: failed.error })) : executeAll(others, context)
}

async function executeAll(actions: readonly Action[], context: ExecuteContext): Promise<Failed[]> {
  const { errors } = await mapLimit(actions, IN_PARALLEL, async (action) => {
    context.signal.throwIfAborted()
    await executeAction(action, context)
  })
  return errors
}
