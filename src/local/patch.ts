/** The four kinds of patch that kubectl and our client send. */

import { clone, isObject } from './objects.ts'
import { badRequest } from './status-error.ts'

type Json = Record<string, unknown>

export function applyPatch(contentType: string, target: Json, patch: unknown): Json {
  const type = contentType.split(';', 1)[0]?.trim()
  switch (type) {
    case 'application/json-patch+json':
      return jsonPatch(target, patch)
    case 'application/merge-patch+json':
      return mergePatch(target, objectPatch(patch)) as Json
    case 'application/strategic-merge-patch+json':
      return strategicMerge(target, objectPatch(patch))
    case 'application/apply-patch+yaml':
      return strategicMerge(target, objectPatch(patch))
    default:
      throw badRequest(`unsupported patch type ${contentType}`)
  }
}

function objectPatch(patch: unknown): Json {
  if (isObject(patch)) return patch
  throw badRequest('the patch must be an object')
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: Json = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}

/** Merge patch, but lists whose items have a `type`, `name` or `uid` merge by it. */
function strategicMerge(target: Json, patch: Json): Json {
  const result: Json = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue
    const before = result[key]
    if (value === null) delete result[key]
    else if (isObject(value)) result[key] = strategicMerge(isObject(before) ? before : {}, value)
    else if (Array.isArray(value) && Array.isArray(before)) result[key] = mergeLists(before, value)
    else result[key] = value
  }
  return result
}

function mergeLists(before: unknown[], patch: unknown[]): unknown[] {
  const key = ['uid', 'name', 'type'].find((field) => patch.every((item) => isObject(item) && field in item))
  if (!key) return patch
  const merged = before.map(clone) as Json[]
  for (const item of patch as Json[]) {
    const at = merged.findIndex((other) => isObject(other) && other[key] === item[key])
    if (at >= 0) merged[at] = strategicMerge(merged[at] as Json, item)
    else merged.push(item)
  }
  return merged
}

interface Operation {
  op: string
  path: string
  value?: unknown
}

/** RFC 6902, as far as add, replace, remove and test go. */
function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations')
  const result = clone(target)
  for (const operation of patch as Operation[]) applyOperation(result, operation)
  return result
}

function applyOperation(root: Json, { op, path, value }: Operation): void {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop() ?? ''
  const parent = steps.reduce<unknown>(
    (at, step) => (isObject(at) || Array.isArray(at) ? (at as Json)[step] : undefined),
    root,
  )
  if (!isObject(parent) && !Array.isArray(parent)) throw badRequest(`JSON patch: nothing at ${path}`)
  const holder = parent as Json
  if (op === 'test') {
    if (JSON.stringify(holder[last]) !== JSON.stringify(value)) throw badRequest(`JSON patch: test failed at ${path}`)
  } else if (op === 'remove') {
    if (Array.isArray(parent)) parent.splice(Number(last), 1)
    else delete holder[last]
  } else if (op === 'add' && Array.isArray(parent)) {
    parent.splice(last === '-' ? parent.length : Number(last), 0, value)
  } else if (op === 'add' || op === 'replace') {
    holder[last] = value
  } else {
    throw badRequest(`JSON patch: ${op} is not supported`)
  }
}
