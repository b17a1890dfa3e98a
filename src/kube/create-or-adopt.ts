import { DownpourError } from '../support/errors.ts'
import type { KubeClient } from './client.ts'
import type { Waiting } from './client-options.ts'
import { isAlreadyExists } from './errors.ts'
import { type Collection, controllerUid, type KubeObject, type Ref } from './objects.ts'

export interface CreateResult<T> {
  object: T
  /** adopted: it existed already and has the same owner; it may be in deletion, so check its deletionTimestamp. */
  outcome: 'created' | 'adopted'
}

/**
 * Creates an object with a computed name, so that a repeated attempt (after a crash, a lost answer or with a stale
 * cache) finds the first object instead of creating a second one.
 * @throws NAME_CONFLICT when the name is taken by an object that `ownerUid` does not control
 */
export async function createOrAdopt<T extends KubeObject>(
  client: KubeClient,
  where: Collection,
  object: T,
  ownerUid: string,
  waiting: Waiting = {},
): Promise<CreateResult<T>> {
  const ref = { ...where, name: object.metadata.name }
  try {
    return { object: await client.create(where, object, waiting), outcome: 'created' }
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const found = await client.find<T>(ref, waiting)
    // Deleted between the two calls: the next reconcile creates it.
    if (!found) throw error
    if (controllerUid(found) === ownerUid) return { object: found, outcome: 'adopted' }
    throw nameConflict(ref, found, error)
  }
}

function nameConflict(ref: Ref, found: KubeObject, cause: unknown): DownpourError {
  const owner = found.metadata.ownerReferences?.find((one) => one.controller)
  const whose = owner ? `${owner.kind} ${owner.name}` : 'no controller'
  return new DownpourError(
    'NAME_CONFLICT',
    `${ref.plural} ${ref.namespace ?? ''}/${ref.name} exists already and belongs to ${whose}; delete it or rename the job`,
    { plural: ref.plural, namespace: ref.namespace, name: ref.name, uid: found.metadata.uid, owner },
    { cause },
  )
}
