/**
 * The classes of a job: names in the order of the model's outputs. Messages and checkpoints contain the list as these
 * bytes; two lists are equal if their sha256 is.
 */
import { z } from 'zod'
import { sha256Of } from '../support/digest.ts'
import { DownpourError } from '../support/errors.ts'

/** As in labels.json: `id` is the index, `parents` are ids. */
const Class = z.strictObject({ id: z.int().min(0), name: z.string(), parents: z.array(z.int().min(0)) })
export type Class = z.output<typeof Class>

/** Identifies a list, where the list itself would be too long. */
export const ClassesId = z.strictObject({ count: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
export type ClassesId = z.output<typeof ClassesId>

export interface ClassList extends ClassesId {
  bytes: Uint8Array
}

/** Room for a million classes with names of 60 bytes. */
export const MAX_CLASSES_BYTES = 128 * 2 ** 20

/** @throws DownpourError LABELS_TOO_LARGE */
export function encodeClasses(classes: readonly Class[]): ClassList {
  const entries = classes.map(({ id, name, parents }) => ({ id, name: name.normalize('NFC'), parents }))
  const bytes = Buffer.from(`[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]\n`)
  if (bytes.length <= MAX_CLASSES_BYTES) return { bytes, count: classes.length, sha256: sha256Of(bytes) }
  const message = `the list of ${classes.length} labels takes ${bytes.length} bytes, the limit is ${MAX_CLASSES_BYTES}`
  throw new DownpourError('LABELS_TOO_LARGE', message)
}

/**
 * @param where the list comes from, for messages
 * @throws DownpourError CLASSES_INVALID: the bytes are not a list, or not the list that `expected` identifies
 */
export function decodeClasses(bytes: Uint8Array, expected: ClassesId, where: string): Class[] {
  if (sha256Of(bytes) !== expected.sha256) throw invalid(where, 'its sha256 differs from the announced one')
  const classes = parseClasses(bytes, where)
  if (classes.length === expected.count) return classes
  throw invalid(where, `it has ${classes.length} classes, ${expected.count} were announced`)
}

/** @throws DownpourError CLASSES_INVALID */
export function parseClasses(bytes: Uint8Array, where: string): Class[] {
  const parsed = z.array(Class).safeParse(jsonOf(bytes, where))
  if (!parsed.success) throw invalid(where, parsed.error.issues[0]?.message ?? 'not a list')
  const classes = parsed.data
  const wrong = classes.find(({ id, parents }, i) => id !== i || parents.some((parent) => parent >= classes.length))
  if (wrong) throw invalid(where, `class ${wrong.id}: ids must be 0, 1, 2, … and parents must be ids`)
  mustHaveUniqueNames(classes, where)
  return classes
}

/** Labels are matched with classes by name: of two classes with the same name the first would never be trained. */
function mustHaveUniqueNames(classes: readonly Class[], where: string): void {
  const seen = new Map<string, number>()
  for (const { id, name } of classes) {
    const before = seen.get(name.normalize('NFC'))
    if (before !== undefined) throw invalid(where, `classes ${before} and ${id} have the same name`)
    seen.set(name.normalize('NFC'), id)
  }
}

export function isSameList(a: ClassesId | null | undefined, b: ClassesId | null | undefined): boolean {
  return a?.sha256 === b?.sha256 && a?.count === b?.count
}

function jsonOf(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw invalid(where, 'it is not JSON', cause)
  }
}

function invalid(where: string, reason: string, cause?: unknown): DownpourError {
  return new DownpourError(
    'CLASSES_INVALID',
    `${where} is not the job's list of classes: ${reason}`,
    { where },
    { cause },
  )
}
