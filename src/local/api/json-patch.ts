/** RFC 6902 through fast-json-patch, which knows no limits and reads inherited fields: both are dealt with here. */
import fastJsonPatch, { type Operation as LibraryOperation, type Validator } from 'fast-json-patch'
import { errorMessage } from '../../support/errors.ts'
import { clone, isObject, sameContent } from '../store/objects.ts'
import { badRequest, StatusError } from '../store/status-error.ts'
import { checkPatched } from './patched-shape.ts'

type Json = Record<string, unknown>

interface Operation {
  op: string
  path: string
  from: string | undefined
  value?: unknown
}

/** Limits of the real API server: a few hundred copies of copies would fill the memory. */
const MAX_OPERATIONS = 10_000
const MAX_COPIED_BYTES = 3 * 2 ** 20
/** An index without leading zeros, below 2³¹: the library truncates larger ones to 32 bits and inserts at the wrong place. */
const INDEX = /^(?:-|0|[1-9]\d{0,8})$/

/** @throws StatusError 400 for what is no JSON patch, 422 for one that does not fit the object */
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
  const { op, path, from, value } = isObject(raw) ? raw : {}
  const isPointer = (text: unknown): text is string => text === '' || (typeof text === 'string' && text.startsWith('/'))
  if (typeof op === 'string' && isPointer(path) && (from === undefined || isPointer(from)))
    return { op, path, from, value }
  throw badRequest('each operation of a JSON patch has op and path, and from where it copies or moves')
}

/**
 * Objects without a prototype hold only the fields that a client sent: the library's `object[key]` finds nothing
 * inherited under `toString`, and an assignment to `__proto__` makes a field like any other.
 */
function withoutPrototype(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPrototype)
  if (!isObject(value)) return value
  const bare: Json = Object.create(null)
  for (const [key, field] of Object.entries(value)) if (field !== undefined) bare[key] = withoutPrototype(field)
  return bare
}

function copySize(document: Json, from: string | undefined): number {
  const value = read(document, from)
  checkPatched(value)
  return JSON.stringify(value).length
}

/** `test`, `copy` and `move` are composed here: the library's own would bring prototypes back or serialise whole objects. */
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
  if (isIntoList && !INDEX.test(path.slice(slash + 1))) throw unprocessable(`${path} names no place in a list`)
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
  if (isObject(next)) return next
  throw unprocessable(`${operation.op} leaves no object`)
}

function runInLibrary(document: Json, operation: LibraryOperation): unknown {
  try {
    return fastJsonPatch.applyOperation(document, operation, checkPlace, true, false).newDocument
  } catch (error) {
    if (error instanceof StatusError) throw error
    // The message of the library holds the whole object; the name is a code.
    const reason = error instanceof fastJsonPatch.JsonPatchError ? error.name : errorMessage(error)
    throw unprocessable(`${operation.op} at ${operation.path}: ${reason}`)
  }
}

/**
 * The library's own check would walk through each value that moves: 10 000 moves of a large object would stop the server.
 * @param existing how much of the operation's path leads to something
 */
const checkPlace: Validator<Json> = ({ op, path }, _index, _document, existing) => {
  const missing = path.split('/').length - existing.split('/').length
  if (missing > (op === 'add' ? 1 : 0)) throw unprocessable(`nothing at ${path}`)
}

function unprocessable(message: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request: JSON patch: ${message}`)
}
