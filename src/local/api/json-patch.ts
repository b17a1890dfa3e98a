/** JSON patch (RFC 6902) with fast-json-patch. Adds what the library lacks: limits, and protection of prototypes. */
import fastJsonPatch, { type Operation as LibraryOperation, type Validator } from 'fast-json-patch'
import { errorMessage } from '../../support/errors.ts'
import { isFields } from '../../support/fields.ts'
import { clone, sameContent } from '../store/objects.ts'
import { badRequest, StatusError } from '../store/status-error.ts'
import { checkPatched } from './patched-shape.ts'

type Json = Record<string, unknown>

interface Operation {
  op: string
  path: string
  from: string | undefined
  value?: unknown
}

/** Limits of the real API server. Without them, a few hundred copies of copies exhaust the memory. */
const MAX_OPERATIONS = 10_000
const MAX_COPIED_BYTES = 3 * 2 ** 20
/** An index without leading zeros and below 2³¹: the library truncates a larger index to 32 bits and inserts at the wrong place. */
const INDEX = /^(?:-|0|[1-9]\d{0,8})$/

/** @throws StatusError 400 for an invalid JSON patch, 422 for a patch that does not fit the object */
export function jsonPatch(target: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be a list of operations')
  if (patch.length > MAX_OPERATIONS) {
    const message = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`
    throw new StatusError(413, 'RequestEntityTooLarge', message)
  }
  const operations = patch.map(operationOf)
  let document = withoutPrototype(target) as Json
  let copiedBytes = 0
  for (const operation of operations) {
    if (operation.op === 'copy') copiedBytes += copySize(document, operation.from)
    if (copiedBytes > MAX_COPIED_BYTES) throw unprocessable(`copies make more than ${MAX_COPIED_BYTES} bytes`)
    document = applied(document, operation)
  }
  checkPatched(document)
  return clone(document)
}

function operationOf(raw: unknown): Operation {
  const { op, path, from, value } = isFields(raw) ? raw : {}
  const isPointer = (text: unknown): text is string => text === '' || (typeof text === 'string' && text.startsWith('/'))
  if (typeof op === 'string' && isPointer(path) && (from === undefined || isPointer(from)))
    return { op, path, from, value }
  throw badRequest('each operation of a JSON patch needs op and path, and copy and move need from')
}

/**
 * Copies into objects without a prototype. The library reads `object[key]`, which then never finds an inherited
 * `toString`, and it assigns to `object[key]`, which then makes `__proto__` an ordinary field.
 */
function withoutPrototype(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototype)
  if (!isFields(value)) return value
  const bare: Json = Object.create(null)
  for (const [key, field] of Object.entries(value)) if (field !== undefined) bare[key] = withoutPrototype(field)
  return bare
}

function copySize(document: Json, from: string | undefined): number {
  const value = read(document, from)
  checkPatched(value)
  return JSON.stringify(value).length
}

/** Builds `test`, `copy` and `move` from other operations: the library's own restore prototypes or serialise whole objects. */
function applied(document: Json, { op, path, from, value }: Operation): Json {
  switch (op) {
    case 'test':
      if (!sameContent(read(document, path), value)) throw unprocessable(`test failed at ${path}`)
      return document
    case 'remove':
      return run(document, { op, path })
    case 'replace':
      return run(document, { op, path, value: requiredValue(value) })
    case 'add':
      return add(document, path, requiredValue(value))
    case 'copy':
      return add(document, path, withoutPrototype(read(document, from)))
    case 'move': {
      const moved = read(document, from)
      return add(run(document, { op: 'remove', path: from as string }), path, moved)
    }
    default:
      throw unprocessable(`unknown operation ${op}`)
  }
}

function requiredValue(value: unknown): unknown {
  if (value === undefined) throw unprocessable('the operation needs value')
  return withoutPrototype(value)
}

function add(document: Json, path: string, value: unknown): Json {
  const slash = path.lastIndexOf('/')
  const isIntoList = slash >= 0 && Array.isArray(read(document, path.slice(0, slash)))
  if (isIntoList && !INDEX.test(path.slice(slash + 1))) throw unprocessable(`${path} is not an index of the list`)
  return run(document, { op: 'add', path, value })
}

/** @param path undefined: the operation has no `from` */
function read(document: Json, path: string | undefined): unknown {
  if (path === undefined) throw unprocessable('the operation needs from')
  const operation = { op: '_get', path, value: undefined } as const
  run(document, operation)
  return operation.value
}

/** Changes the document in place. @throws StatusError 422 */
function run(document: Json, operation: LibraryOperation): Json {
  const next = runInLibrary(document, operation)
  if (isFields(next)) return next
  throw unprocessable(`${operation.op} does not result in an object`)
}

function runInLibrary(document: Json, operation: LibraryOperation): unknown {
  try {
    return fastJsonPatch.applyOperation(document, operation, checkPlace, true, false).newDocument
  } catch (error) {
    if (error instanceof StatusError) throw error
    // The library's message contains the whole object; its name is a code.
    const reason = error instanceof fastJsonPatch.JsonPatchError ? error.name : errorMessage(error)
    throw unprocessable(`${operation.op} at ${operation.path}: ${reason}`)
  }
}

/**
 * Replaces the library's check, which walks through each value: 10 000 moves of a large object would block the server.
 * @param existing the part of the operation's path that exists
 */
const checkPlace: Validator<Json> = ({ op, path }, _index, _document, existing) => {
  const missing = path.split('/').length - existing.split('/').length
  if (missing > (op === 'add' ? 1 : 0)) throw unprocessable(`nothing at ${path}`)
}

function unprocessable(message: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: JSON patch: ${message}`)
}
