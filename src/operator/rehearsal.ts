/**
 * Sends one pod of each role as a dry run before the first pods of a plan are created, so that an invalid template is
 * reported before half of the pods hold GPUs.
 */
import type { Role } from '../contract/names.ts'
import type { KubeClient } from '../kube/client.ts'
import { KubeError } from '../kube/errors.ts'
import type { KubeObject } from '../kube/objects.ts'
import type { PodOrder } from './actions.ts'
import type { CompletePlan } from './planned.ts'

export interface Rehearsed<T> {
  order: T
  error: unknown
}

export class Rehearsal {
  readonly #client: Pick<KubeClient, 'create'>
  /** Hash of the plan that passed, by role. */
  readonly #passed = new Map<Role, string>()

  constructor(client: Pick<KubeClient, 'create'>) {
    this.#client = client
  }

  /** @returns the roles whose template was refused. Other errors are left to the real creation. */
  async rehearse<T extends PodOrder>(
    orders: readonly T[],
    plan: CompletePlan,
    signal: AbortSignal,
  ): Promise<Rehearsed<T>[]> {
    const open = firstOfEachRole(orders).filter(({ role }) => this.#passed.get(role) !== plan.hash)
    const tried = await Promise.all(
      open.map(async (order) => ({ order, error: await this.#try(plan.pod(order), signal) })),
    )
    for (const { order, error } of tried) {
      if (error === undefined) this.#passed.set(order.role, plan.hash)
    }
    return tried.filter(({ error }) => isRefusal(error))
  }

  async #try(pod: KubeObject, signal: AbortSignal): Promise<unknown> {
    const { namespace } = pod.metadata
    try {
      await this.#client.create({ apiVersion: 'v1', plural: 'pods', namespace }, pod, { dryRun: true, signal })
      return undefined
    } catch (error) {
      return error
    }
  }
}

/** Pods that copy an existing pod need no dry run, because that pod was accepted. */
function firstOfEachRole<T extends PodOrder>(orders: readonly T[]): T[] {
  const planned = orders.filter(({ like }) => like === undefined)
  return planned.filter(({ role }, i) => planned.findIndex((other) => other.role === role) === i)
}

/** A webhook without support for dry runs also answers 400; its pods are created without one. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false
  const lacksDryRun = /dry ?run/i.test(error.serverText ?? '')
  return (error.httpStatus === 422 || error.httpStatus === 400) && !lacksDryRun
}
