/** JSON patch, merge patch and strategic merge patch. Server-side apply is in server-side-apply.ts. */

import { isFields } from '../../support/fields.ts'
import { ownValue, setOwn } from '../../support/own.ts'
import { clone } from '../store/objects.ts'
import type { Resource } from '../store/resources.ts'
import { schemaOf } from '../store/schema.ts'
import { badRequest, unsupportedMedia } from '../store/status-error.ts'
import { jsonPatch } from './json-patch.ts'
import { mergeKeyOf } from './list-keys.ts'
import { checkPatched } from './patched-shape.ts'

type Json = Record<string, unknown>

const CUSTOM_RESOURCE_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
]

/** @throws StatusError 400, 415, 422 */
export function applyPatch(resource: Resource, contentType: string, target: Json, patch: unknown): Json {
  const patched = patchedWith(resource, contentType, target, patch)
  checkPatched(patched)
  return patched
}

function patchedWith(resource: Resource, contentType: string, target: Json, patch: unknown): Json {
  switch (contentType) {
    case 'application/json-patch+json':
      return jsonPatch(target, patch)
    case 'application/merge-patch+json':
      return mergePatch(target, objectPatch(patch)) as Json
    case 'application/strategic-merge-patch+json':
      // As in Kubernetes: a CRD has no Go type whose tags define how lists merge.
      if (schemaOf(resource)) throw unsupportedMedia(CUSTOM_RESOURCE_TYPES)
      return strategicMerge(target, objectPatch(patch))
    default:
      throw unsupportedMedia(CUSTOM_RESOURCE_TYPES)
  }
}

export function objectPatch(patch: unknown): Json {
  if (isFields(patch)) return patch
  throw badRequest('the patch must be an object')
}

/** Merge patch, RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const result: Json = isFields(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else setOwn(result, key, mergePatch(ownValue(result, key), value))
  }
  return result
}

/** A merge patch that merges keyed lists item by item. `$patch: delete` removes an item. */
function strategicMerge(target: Json, patch: Json): Json {
  if (patch.$patch === 'replace') return withoutDirectives(patch)
  const result: Json = { ...target }
  for (const [key, value] of Object.entries(withoutDirectives(patch))) {
    const before = ownValue(result, key)
    if (value === null) delete result[key]
    else setOwn(result, key, strategicValue(before, value, key))
  }
  return result
}

function strategicValue(before: unknown, value: unknown, key: string): unknown {
  const mergeKey = mergeKeyOf(key)
  if (isFields(value)) return strategicMerge(isFields(before) ? before : {}, value)
  if (!Array.isArray(value)) return value
  if (mergeKey) return mergeLists(Array.isArray(before) ? before : [], value, mergeKey)
  return Array.isArray(before) && key === 'finalizers' ? [...new Set([...before, ...value])] : value
}

function withoutDirectives(patch: Json): Json {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')))
}

function mergeLists(before: unknown[], patch: unknown[], key: string): unknown[] {
  const merged = before.map(clone) as Json[]
  for (const item of patch.map(objectPatch)) {
    const at = merged.findIndex((other) => isFields(other) && other[key] === item[key])
    if (item.$patch === 'delete') {
      if (at >= 0) merged.splice(at, 1)
    } else if (at >= 0) merged[at] = strategicMerge(merged[at] as Json, item)
    else merged.push(withoutDirectives(item))
  }
  return merged
}
