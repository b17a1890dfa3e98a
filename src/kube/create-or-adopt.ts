import { DownpourError } from '../support/errors.ts'
import type { KubeClient } from './client.ts'
import type { Waiting } from './client-options.ts'
import { isAlreadyExists } from './errors.ts'
import { type Collection, controllerUid, type KubeObject, type Ref } from './objects.ts'

export interface CreateResult<T> {
  object: T
  /** adopted: it was there already and belongs to the same owner; look at its deletionTimestamp before counting on it. */
  outcome: 'created' | 'adopted'
}

/**
 * Creates an object with a computed name, so that a second try (crash in between, lost answer, stale cache) finds the
 * first one instead of making two.
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
    // Gone between the two calls: the next reconcile creates it.
    if (!found) throw error
    if (controllerUid(found) === ownerUid) return { object: found, outcome: 'adopted' }
    throw nameConflict(ref, found, error)
  }
}

function nameConflict(ref: Ref, found: KubeObject, cause: unknown): DownpourError {
  const owner = found.metadata.ownerReferences?.find((one) => one.controller)
  const whose = owner ? `${owner.kind} ${owner.name}` : 'nobody'
  return new DownpourError(
    'NAME_CONFLICT',
    `${ref.plural} ${ref.namespace ?? ''}/${ref.name} exists already and belongs to ${whose}; delete it or rename the job`,
    { plural: ref.plural, namespace: ref.namespace, name: ref.name, uid: found.metadata.uid, owner },
    { cause },
  )
}
