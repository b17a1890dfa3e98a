/** Limits what a write may change: a status write changes the status, any other write the rest, and none the identity. */
import type { Cause } from './causes.ts'
import { clone, type Meta, type Stored, sameContent } from './objects.ts'
import type { Resource } from './resources.ts'
import { conflict, invalid } from './status-error.ts'

export type Part = 'object' | 'status'

const SERVER_FIELDS = [
  'uid',
  'creationTimestamp',
  'generation',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'resourceVersion',
  'name',
  'namespace',
  'generateName',
] as const

/** @throws StatusError 409 when `next` has another resourceVersion or another uid */
export function checkPreconditions(resource: Resource, current: Stored, next: Stored): void {
  const { name, uid, resourceVersion } = current.metadata
  const claimed = next.metadata?.resourceVersion
  if (claimed && claimed !== resourceVersion) {
    const why = 'the object has been modified; please apply your changes to the latest version and try again'
    throw conflict(resource, name, why)
  }
  if (next.metadata?.uid && next.metadata.uid !== uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${next.metadata.uid}, UID in object meta: ${uid}`,
    )
  }
}

/** The object to store, with the old generation. @throws StatusError 422 for a new finalizer on an object being deleted */
export function revise(resource: Resource, current: Stored, next: Stored, part: Part): Stored {
  const revised = part === 'status' ? withStatus(current, next) : withoutStatus(resource, current, next)
  const added = (revised.metadata.finalizers ?? []).filter((one) => !current.metadata.finalizers?.includes(one))
  if (current.metadata.deletionTimestamp && added.length > 0) {
    throw invalid(resource, current.metadata.name, [lateFinalizer(added)])
  }
  return revised
}

export function changesSpec(a: Stored, b: Stored): boolean {
  return !sameContent(a.spec, b.spec)
}

function withStatus(current: Stored, next: Stored): Stored {
  const { status: _before, ...rest } = current
  const { managedFields } = next.metadata ?? {}
  const metadata = { ...rest.metadata, ...(managedFields ? { managedFields } : {}) }
  return clone({ ...rest, metadata, ...(next.status === undefined ? {} : { status: next.status }) }) as Stored
}

function withoutStatus(resource: Resource, current: Stored, next: Stored): Stored {
  const given = clone(next)
  const status = resource.hasStatusSubresource ? current.status : given.status
  const { status: _given, ...rest } = given
  const kept = Object.fromEntries(SERVER_FIELDS.map((field) => [field, current.metadata[field]]))
  return {
    ...rest,
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: withoutEmpty({ ...given.metadata, ...kept }),
    ...(status ? { status } : {}),
  }
}

/** Drops empty fields, as Kubernetes' own types do in JSON (`omitempty`). */
export function withoutEmpty(metadata: object): Meta {
  const isEmpty = (value: unknown) =>
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isEmpty(value))) as unknown as Meta
}

function lateFinalizer(added: readonly string[]): Cause {
  return {
    reason: 'FieldValueForbidden',
    field: 'metadata.finalizers',
    message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
  }
}
