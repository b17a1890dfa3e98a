/** RFC 6902. */
import { clone, isObject, sameContent } from './objects.ts'
import { badRequest, StatusError } from './status-error.ts'

type Json = Record<string, unknown>

interface Operation {
  op: string
  path: string
  from?: string
  value?: unknown
}

/** @throws StatusError 400 for what is no JSON patch, 422 for one that does not fit the object */
export function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations')
  const result = clone(target)
  for (const operation of patch as Operation[]) applyOperation(result, operation)
  return result
}

function applyOperation(root: Json, { op, path, from = '', value }: Operation): void {
  switch (op) {
    case 'test':
      if (!sameContent(read(root, path), value)) throw misfit(`test failed at ${path}`)
      return
    case 'remove':
      return remove(root, path)
    case 'add':
      return add(root, path, value)
    case 'replace':
      remove(root, path)
      return add(root, path, value)
    case 'copy':
      return add(root, path, clone(read(root, from)))
    case 'move': {
      const moved = read(root, from)
      remove(root, from)
      return add(root, path, moved)
    }
    default:
      throw misfit(`unknown operation ${op}`)
  }
}

function read(root: Json, path: string): unknown {
  const { holder, last } = placeOf(root, path)
  if (!(last in holder)) throw misfit(`nothing at ${path}`)
  return holder[last]
}

function remove(root: Json, path: string): void {
  const { holder, last } = placeOf(root, path)
  if (!(last in holder)) throw misfit(`nothing at ${path}`)
  if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else delete holder[last]
}

function add(root: Json, path: string, value: unknown): void {
  const { holder, last } = placeOf(root, path)
  if (!Array.isArray(holder)) holder[last] = value
  else if (last === '-') holder.push(value)
  else if (/^\d+$/.test(last) && Number(last) <= holder.length) holder.splice(Number(last), 0, value)
  else throw misfit(`no place ${last} in the list at ${path}`)
}

function placeOf(root: Json, path: string): { holder: Json; last: string } {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop()
  const holder = steps.reduce<unknown>(
    (at, step) => (isObject(at) || Array.isArray(at) ? (at as Json)[step] : undefined),
    root,
  )
  if (last === undefined || !(isObject(holder) || Array.isArray(holder))) throw misfit(`nothing at ${path}`)
  return { holder: holder as Json, last }
}

function misfit(message: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: JSON patch: ${message}`)
}
