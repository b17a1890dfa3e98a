/** DELETE: reads its options and applies the propagation policy to the dependents. */

import { isFields } from '../../support/fields.ts'
import { dependentsOf } from '../store/garbage.ts'
import type { Stored } from '../store/objects.ts'
import { type Resource, resourceOfKind } from '../store/resources.ts'
import { badRequest, unsupportedOption } from '../store/status-error.ts'
import { type DeleteOptions, FOREGROUND, type ObjectStore } from '../store/store.ts'
import { type Request, wholeNumber } from './request.ts'

type Propagation = 'Background' | 'Foreground' | 'Orphan'

export interface Deletion extends DeleteOptions {
  propagation: Propagation
}

/** Reads the options of the body; the query overrides them. @throws StatusError 400 */
export function readDeleteOptions({ body, query, dryRun }: Request): Deletion {
  const given = (isFields(body) ? body : {}) as {
    preconditions?: { uid?: string; resourceVersion?: string }
    gracePeriodSeconds?: number
    propagationPolicy?: string
    dryRun?: string[]
  }
  if (!['undefined', 'number'].includes(typeof given.gracePeriodSeconds))
    throw badRequest('gracePeriodSeconds: expected a whole number')
  const grace = wholeNumber(query, 'gracePeriodSeconds') ?? given.gracePeriodSeconds
  return {
    ...given.preconditions,
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    propagation: propagationOf(query.get('propagationPolicy') ?? given.propagationPolicy ?? 'Background'),
    mustPersist: true,
    dryRun: dryRun || given.dryRun?.includes('All') === true,
  }
}

function propagationOf(text: string): Propagation {
  if (text === 'Background' || text === 'Foreground' || text === 'Orphan') return text
  throw unsupportedOption('propagationPolicy', JSON.stringify(text), ['Foreground', 'Background', 'Orphan'])
}

/** @returns the object if it still exists, otherwise a Status of success */
export function deleteObject(
  store: ObjectStore,
  resource: Resource,
  current: Stored,
  { propagation, ...options }: Deletion,
): object {
  if (options.dryRun || propagation === 'Background')
    return answer(store, resource, store.delete(resource, current, options))
  // A dry run checks the preconditions before any dependent changes.
  store.delete(resource, current, { ...options, dryRun: true })
  if (propagation === 'Orphan')
    for (const dependent of dependentsOf(store, current.metadata.uid)) orphan(store, dependent, current)
  const marked = propagation === 'Foreground' ? waitForDependents(store, resource, current) : current
  const { resourceVersion: _checked, ...rest } = options
  return answer(store, resource, store.delete(resource, marked, rest))
}

function waitForDependents(store: ObjectStore, resource: Resource, current: Stored): Stored {
  const { finalizers = [], deletionTimestamp, uid } = current.metadata
  if (deletionTimestamp || dependentsOf(store, uid).length === 0) return current
  const metadata = { ...current.metadata, finalizers: [...new Set([...finalizers, FOREGROUND])] }
  return store.update(resource, current, { ...current, metadata }, 'object')
}

function orphan(store: ObjectStore, dependent: Stored, owner: Stored): void {
  const ownerReferences = dependent.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? []
  const metadata = { ...dependent.metadata, ownerReferences }
  store.update(resourceOfKind(dependent.kind), dependent, { ...dependent, metadata }, 'object')
}

function answer(store: ObjectStore, resource: Resource, object: Stored): object {
  const { namespace, name, uid } = object.metadata
  if (store.find(resource, namespace, name)?.metadata.uid === uid) return object
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, group: resource.group, kind: resource.plural, uid },
  }
}
