/** Sets of an object's fields, in the notation of server-side apply: `f:spec`, `f:env`, `k:{"name":"A"}`, `f:value`. */

import { isFields } from '../../support/fields.ts'
import { ownValue, setOwn } from '../../support/own.ts'
import type { Stored } from '../store/objects.ts'
import type { Resource } from '../store/resources.ts'
import type { Part } from '../store/revise.ts'
import { listKeysOf } from './list-keys.ts'

type Json = Record<string, unknown>
/** Steps joined by a character that occurs in no step. */
export type FieldPath = string

const JOINT = '\u0000'
const OF_METADATA = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const

/** The fields that managers can own: not the identity, and not the fields of the other subresource. */
export function ownable(resource: Resource, object: Stored, part: Part): Json {
  const { apiVersion: _version, kind: _kind, metadata, status, ...rest } = object
  if (part === 'status') return status === undefined ? {} : { status }
  const own = OF_METADATA.flatMap((name) => (metadata[name] === undefined ? [] : [[name, metadata[name]]]))
  return {
    ...rest,
    ...(own.length > 0 ? { metadata: Object.fromEntries(own) } : {}),
    ...(status !== undefined && !resource.hasStatusSubresource ? { status } : {}),
  }
}

/** Each field that holds a value. A list without keys counts as one value. */
export function leavesOf(resource: Resource, object: Json): Map<FieldPath, unknown> {
  const leaves = new Map<FieldPath, unknown>()
  const visit = (value: unknown, steps: readonly string[], fields: readonly string[]) => {
    const items = keyedItems(resource, value, fields)
    if (items) for (const { key, item } of items) visit(item, [...steps, key], fields)
    else if (isFields(value) && Object.keys(value).length > 0)
      for (const [name, field] of Object.entries(value)) visit(field, [...steps, `f:${name}`], [...fields, name])
    // A manager that applies no fields owns none.
    else if (steps.length > 0) leaves.set(steps.join(JOINT), value)
  }
  visit(object, [], [])
  return leaves
}

function keyedItems(resource: Resource, value: unknown, fields: readonly string[]) {
  const keys = Array.isArray(value) && value.length > 0 ? listKeysOf(resource, fields) : undefined
  if (!keys || !Array.isArray(value) || !value.every(isFields)) return undefined
  return (value as Json[]).map((item) => ({ key: keyOf(item, keys), item }))
}

function keyOf(item: Json, keys: readonly string[]): string {
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, item[key]])))}`
}

/** Merges the applied fields into the object; keyed lists merge item by item. */
export function mergeFields(resource: Resource, target: unknown, applied: unknown, fields: string[] = []): unknown {
  if (isFields(applied)) {
    const merged: Json = isFields(target) ? { ...target } : {}
    for (const [name, value] of Object.entries(applied))
      setOwn(merged, name, mergeFields(resource, ownValue(merged, name), value, [...fields, name]))
    return merged
  }
  const items = keyedItems(resource, applied, fields)
  const before = keyedItems(resource, target, fields)
  if (!items || !before) return applied
  const merged = new Map(before.map(({ key, item }) => [key, item]))
  for (const { key, item } of items) merged.set(key, mergeFields(resource, merged.get(key), item, fields) as Json)
  return [...merged.values()]
}

/** Removes a field from the object in place, and parents that become empty. */
export function removeField(object: Json, path: FieldPath): void {
  const steps = path.split(JOINT)
  const holders: { holder: unknown; step: string }[] = []
  let at: unknown = object
  for (const step of steps) {
    holders.push({ holder: at, step })
    at = stepInto(at, step)
  }
  for (const { holder, step } of holders.reverse()) {
    const inner = stepInto(holder, step)
    const last = holders[0]?.step === step && holders[0]?.holder === holder
    if (!last && !isEmpty(inner)) return
    dropStep(holder, step)
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

function stepInto(value: unknown, step: string): unknown {
  if (step.startsWith('f:')) return isFields(value) ? ownValue(value, step.slice(2)) : undefined
  return Array.isArray(value) ? value[indexOf(value, step)] : undefined
}

function dropStep(holder: unknown, step: string): void {
  if (isFields(holder)) delete holder[step.slice(2)]
  else if (Array.isArray(holder) && indexOf(holder, step) >= 0) holder.splice(indexOf(holder, step), 1)
}

function indexOf(list: unknown[], step: string): number {
  const wanted = Object.entries(JSON.parse(step.slice(2)) as Json)
  return list.findIndex((item) => isFields(item) && wanted.every(([key, value]) => item[key] === value))
}

/** The nested form that managedFields uses for a set. */
export function toFieldsV1(paths: Iterable<FieldPath>): Json {
  const root: Json = {}
  for (const path of paths) {
    let at = root
    for (const step of path.split(JOINT)) {
      at[step] ??= {}
      at = at[step] as Json
    }
  }
  return root
}

/** A list whose items are identified by value or by index counts as one value here. */
export function fromFieldsV1(fields: Json): Set<FieldPath> {
  const paths = new Set<FieldPath>()
  const visit = (value: Json, steps: readonly string[]) => {
    const inner = Object.entries(value)
    const isWhole = inner.length === 0 || inner.some(([step]) => /^[vi]:/.test(step))
    if (isWhole && steps.length > 0) paths.add(steps.join(JOINT))
    for (const [step, field] of inner) if (/^[fk]:/.test(step)) visit(field as Json, [...steps, step])
  }
  visit(fields, [])
  return paths
}

export function readablePath(path: FieldPath): string {
  return path
    .split(JOINT)
    .map((step) => (step.startsWith('f:') ? `.${step.slice(2)}` : `[${step.slice(3, -1).replaceAll('"', '')}]`))
    .join('')
}
