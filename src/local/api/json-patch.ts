/** RFC 6902. */
import { setOwn } from '../../support/own.ts'
import { clone, isObject, sameContent } from '../store/objects.ts'
import { badRequest, StatusError } from '../store/status-error.ts'

type Json = Record<string, unknown>

interface Operation {
  op: string
  path: string
  from: string
  value?: unknown
}

/** Limits of the real API server: a few hundred copies of copies would fill the memory. */
const MAX_OPERATIONS = 10_000
const MAX_COPIED_BYTES = 3 * 2 ** 20

/** @throws StatusError 400 for what is no JSON patch, 422 for one that does not fit the object */
export function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations')
  if (patch.length > MAX_OPERATIONS) {
    const message = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`
    throw new StatusError(413, 'RequestEntityTooLarge', message)
  }
  const operations = patch.map(operationOf)
  const result = clone(target)
  let copiedBytes = 0
  for (const operation of operations) {
    if (operation.op === 'copy') copiedBytes += sizeOf(read(result, operation.from))
    if (copiedBytes > MAX_COPIED_BYTES) throw misfit(`copies make more than ${MAX_COPIED_BYTES} bytes`)
    applyOperation(result, operation)
  }
  return result
}

function operationOf(raw: unknown): Operation {
  const { op, path, from = '', value } = isObject(raw) ? raw : {}
  const isPointer = (text: unknown): text is string => text === '' || (typeof text === 'string' && text.startsWith('/'))
  if (typeof op === 'string' && isPointer(path) && isPointer(from)) return { op, path, from, value }
  throw badRequest('each operation of a JSON patch has op and path, and from where it copies or moves')
}

function sizeOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0
}

function applyOperation(root: Json, { op, path, from, value }: Operation): void {
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
  if (!holds(holder, last)) throw misfit(`nothing at ${path}`)
  return holder[last]
}

function remove(root: Json, path: string): void {
  const { holder, last } = placeOf(root, path)
  if (!holds(holder, last)) throw misfit(`nothing at ${path}`)
  if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else delete holder[last]
}

function add(root: Json, path: string, value: unknown): void {
  const { holder, last } = placeOf(root, path)
  if (!Array.isArray(holder)) setOwn(holder, last, value)
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
    (at, step) => ((isObject(at) || Array.isArray(at)) && holds(at, step) ? (at as Json)[step] : undefined),
    root,
  )
  if (last === undefined || !(isObject(holder) || Array.isArray(holder))) throw misfit(`nothing at ${path}`)
  return { holder: holder as Json, last }
}

/** Nothing that all objects and lists inherit, and of a list its items only. */
function holds(holder: object, step: string): boolean {
  return Object.hasOwn(holder, step) && (!Array.isArray(holder) || /^\d+$/.test(step))
}

function misfit(message: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: JSON patch: ${message}`)
}
