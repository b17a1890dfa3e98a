/**
 * Server-side apply: a manager applies the fields that it wants. Fields that it applied before and omits now are removed;
 * a different value for a field of another manager is a conflict, unless forced. Ownership by other writes is tracked
 * from an object's first apply on; `before-first-apply` owns the fields that existed before.
 */

import { clone, type ManagedFields, type Stored, sameContent, timestamp } from '../store/objects.ts'
import { apiVersionOf, type Resource } from '../store/resources.ts'
import type { Part } from '../store/revise.ts'
import { badRequest, StatusError } from '../store/status-error.ts'
import {
  type FieldPath,
  fromFieldsV1,
  leavesOf,
  mergeFields,
  ownable,
  readablePath,
  removeField,
  toFieldsV1,
} from './field-sets.ts'

export interface ApplyOptions {
  resource: Resource
  manager: string
  part: Part
  force: boolean
  nowMs: number
}

interface Owner {
  entry: Omit<ManagedFields, 'fieldsV1'>
  paths: Set<FieldPath>
}

/** @param current undefined: creates the object. @throws StatusError 409 with the fields that other managers own */
export function applyFields(current: Stored | undefined, applied: Stored, applying: ApplyOptions): Stored {
  if (applied.metadata.managedFields) throw badRequest('metadata.managedFields must be nil')
  const { resource, part } = applying
  const wanted = leavesOf(resource, ownable(resource, applied, part))
  const owners = current ? ownersOf(current, applying) : []
  const mine = owners.find((owner) => isMine(owner, applying))
  const others = owners.filter((owner) => owner !== mine)
  const present = leavesOf(resource, current ? ownable(resource, current, part) : {})
  if (!applying.force) refuseConflicts(wanted, present, others, applying, applied.metadata.name)
  for (const [path, value] of wanted)
    if (!sameContent(present.get(path), value)) for (const other of others) other.paths.delete(path)
  const next = clone(mergeFields(resource, current ?? identityOf(applied), ownable(resource, applied, part))) as Stored
  for (const path of mine?.paths ?? [])
    if (!wanted.has(path) && !others.some(({ paths }) => paths.has(path))) removeField(next, path)
  const { resourceVersion, uid } = applied.metadata
  const own: Owner = { entry: entryOf(applying), paths: new Set(wanted.keys()) }
  // Keeps the order of the entries: another order would count as a change of the object.
  const all = mine ? owners.map((owner) => (owner === mine ? own : owner)) : [...owners, own]
  const managedFields = toManagedFields(all, current, applying)
  return { ...next, metadata: { ...next.metadata, resourceVersion, uid: uid ?? next.metadata.uid, managedFields } }
}

/** Transfers the ownership of fields that a plain write changed to its writer. */
export function trackWrite(current: Stored, next: Stored, applying: Omit<ApplyOptions, 'force'>): Stored {
  if (!current.metadata.managedFields) return next
  const { resource, part } = applying
  const before = leavesOf(resource, ownable(resource, current, part))
  const after = leavesOf(resource, ownable(resource, next, part))
  const changed = [...after].filter(([path, value]) => !sameContent(before.get(path), value)).map(([path]) => path)
  const gone = [...before.keys()].filter((path) => !after.has(path))
  const owners = ownersOf(current, applying)
  for (const { paths } of owners) for (const path of [...changed, ...gone]) paths.delete(path)
  const entry: Owner['entry'] = { ...entryOf(applying), operation: 'Update' }
  const own = owners.find((owner) => sameEntry(owner.entry, entry))
  if (own) for (const path of changed) own.paths.add(path)
  else owners.push({ entry, paths: new Set(changed) })
  return { ...next, metadata: { ...next.metadata, managedFields: toManagedFields(owners, current, applying) } }
}

function identityOf(applied: Stored): object {
  const { name, namespace } = applied.metadata
  return { apiVersion: applied.apiVersion, kind: applied.kind, metadata: { name, ...(namespace ? { namespace } : {}) } }
}

function ownersOf(current: Stored, { resource, part }: Omit<ApplyOptions, 'force'>): Owner[] {
  const entries = current.metadata.managedFields
  if (entries) return entries.map(({ fieldsV1, ...entry }) => ({ entry, paths: fromFieldsV1(fieldsV1) }))
  const entry: Owner['entry'] = {
    manager: 'before-first-apply',
    operation: 'Update',
    apiVersion: apiVersionOf(resource),
    fieldsType: 'FieldsV1',
  }
  return [{ entry, paths: new Set(leavesOf(resource, ownable(resource, current, part)).keys()) }]
}

function entryOf({ manager, resource, part }: Omit<ApplyOptions, 'force'>): Owner['entry'] {
  return {
    manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(resource),
    fieldsType: 'FieldsV1',
    ...(part === 'status' ? { subresource: 'status' } : {}),
  }
}

function isMine({ entry }: Owner, applying: ApplyOptions): boolean {
  return sameEntry(entry, entryOf(applying))
}

function sameEntry(a: Owner['entry'], b: Owner['entry']): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource
}

function refuseConflicts(
  wanted: ReadonlyMap<FieldPath, unknown>,
  present: ReadonlyMap<FieldPath, unknown>,
  others: readonly Owner[],
  { resource }: ApplyOptions,
  name: string,
): void {
  const causes = [...wanted].flatMap(([path, value]) =>
    sameContent(present.get(path), value)
      ? []
      : others
          .filter(({ paths }) => paths.has(path))
          .map(({ entry }) => ({
            reason: 'FieldManagerConflict',
            message: `conflict with "${entry.manager}"`,
            field: readablePath(path),
          })),
  )
  if (causes.length === 0) return
  const texts = causes.map(({ message, field }) => `${message}: ${field}`)
  const message = `Apply failed with ${causes.length} conflict${causes.length > 1 ? 's' : ''}: ${texts.join(', ')}`
  throw new StatusError(409, 'Conflict', message, { name, group: resource.group, kind: resource.plural }, causes)
}

/** An unchanged entry keeps its time, so that applying the same fields again does not change the object. */
function toManagedFields(
  owners: readonly Owner[],
  current: Stored | undefined,
  { nowMs }: { nowMs: number },
): ManagedFields[] {
  const before = current?.metadata.managedFields ?? []
  return owners
    .filter(({ paths }) => paths.size > 0)
    .map(({ entry, paths }) => {
      const fieldsV1 = toFieldsV1(paths)
      const old = before.find((one) => sameEntry(one, entry))
      return old && sameContent(old.fieldsV1, fieldsV1) ? old : { ...entry, time: timestamp(nowMs), fieldsV1 }
    })
}
