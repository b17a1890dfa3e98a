/** The label hierarchy: labels.json, and the closure that repairs missing ancestors (paper.md §1.3, §4.1). */
import { z } from 'zod'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { decodeUtf8 } from '../support/utf8.ts'
import { labelOnCycle, parentsFirst } from './hierarchy.ts'
import { parseLabelMap } from './label-map-file.ts'
import { readRegular } from './regular-file.ts'
import { isMissing } from './unreadable.ts'

/** Ancestor ids kept in memory, over all labels. */
const MEMOIZED_IDS = 2 ** 20
/** Room for a million labels with long names; Node cannot make a string of 512 MiB. */
const MAX_FILE_BYTES = 2 ** 28

const FORM = '[{ "id": 0, "name": "…", "parents": [] }, …]'

const index = z.int().min(0)

const LabelsFile = z.array(
  z.object({
    id: index,
    name: z.string(),
    parents: z.array(index),
    /** The id in official files and results: 1 to 90 for the 80 categories of COCO. */
    categoryId: z.exactOptional(z.int()),
    /** Names of the keypoints of an object of this class. */
    keypoints: z.exactOptional(z.array(z.string())),
    /** Pairs of keypoints that a drawing connects, numbered from 1 as in COCO files. */
    skeleton: z.exactOptional(z.array(z.tuple([z.int(), z.int()]))),
  }),
)
export type Label = z.output<typeof LabelsFile>[number]

export interface LabelMap {
  readonly size: number
  readonly labels: readonly Label[]
  /** Sorted ids, without the label itself. */
  ancestorsOf(id: number): readonly number[]
  /**
   * The given ids, then their ancestors sorted, each once. Idempotent and monotone.
   * @throws DownpourError LABEL_UNKNOWN
   */
  close(ids: readonly number[]): number[]
}

/** @throws DownpourError LABELS_INVALID: ids must be 0…n-1 in order, parents known, no cycle. */
export function createLabelMap(labels: readonly Label[], source = 'labels'): LabelMap {
  labels.forEach(({ id, parents }, i) => {
    if (id !== i) throw invalid(source, `entry ${i} has id ${id}: ids must be 0, 1, 2, …`)
    const unknown = parents.find((parent) => parent >= labels.length)
    if (unknown !== undefined) throw invalid(source, `label ${id} has parent ${unknown}, which is not in the file`)
  })
  mustHaveNoCycle(labels, source)
  const ancestorsOf = memoized((id) => findAncestors(id, labels))
  return {
    size: labels.length,
    labels,
    ancestorsOf,
    close(ids) {
      const unknown = ids.find((id) => !(id in labels))
      if (unknown !== undefined) {
        const message = `label ${unknown} is not in ${source} (0 to ${labels.length - 1})`
        throw new DownpourError('LABEL_UNKNOWN', message, { label: unknown, source })
      }
      const above = ids.flatMap((id) => ancestorsOf(id)).sort((a, b) => a - b)
      return [...new Set([...ids, ...above])]
    },
  }
}

/** Labels without parents, numbered in the order of `names`. */
export function flatLabels(names: readonly string[]): LabelMap {
  return createLabelMap(names.map((name, id) => ({ id, name, parents: [] })))
}

/**
 * A file whose name ends in .txt has the name of a class in each line, one in .pbtxt is a label map of the TensorFlow
 * Object Detection API, and any other is JSON.
 * @throws DownpourError DATA_MISSING, DATA_UNREADABLE, LABELS_INVALID
 */
export async function readLabels(path: string): Promise<LabelMap> {
  const bytes = await readRegular(path, MAX_FILE_BYTES).catch((error) => {
    if (!isMissing(error.cause)) throw error
    const message = `${path}: cannot be read (${errorMessage(error.cause)}); expected a list of labels: ${FORM}`
    throw new DownpourError('DATA_MISSING', message, { path }, { cause: error })
  })
  const text = textOf(bytes, path)
  const listed = listedLabels(text, path)
  if (listed) return createLabelMap(withUniqueNames(listed, path), path)
  const parsed = LabelsFile.safeParse(parseJson(text, path))
  if (parsed.success) return createLabelMap(withUniqueNames(parsed.data, path), path)
  const [issue] = parsed.error.issues
  throw invalid(path, `${issue?.path.join('.') || 'the whole'}: ${issue?.message}; expected a list of labels: ${FORM}`)
}

/** Of a file that is not JSON. */
function listedLabels(text: string, path: string): Label[] | undefined {
  if (/\.txt$/i.test(path)) return linesOf(text, path)
  if (!/\.pbtxt$/i.test(path)) return undefined
  try {
    return parseLabelMap(text).map((item, id) => ({ id, parents: [], ...item }))
  } catch (error) {
    throw invalid(path, errorMessage(error))
  }
}

function linesOf(text: string, source: string): Label[] {
  const names = text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim())
  const empty = names.indexOf('')
  if (empty >= 0) throw invalid(source, `line ${empty + 1} is empty; expected the name of a class in each line`)
  return names.map((name, id) => ({ id, name, parents: [] }))
}

/** Processes match labels by name, so names must be unique. */
function withUniqueNames(labels: Label[], source: string): Label[] {
  const idByName = new Map<string, number>()
  for (const { id, name } of labels) {
    const before = idByName.get(name.normalize('NFC'))
    if (before !== undefined) {
      throw invalid(source, `labels ${before} and ${id} are both named "${printable(name)}"; give each a unique name`)
    }
    idByName.set(name.normalize('NFC'), id)
  }
  return labels
}

/**
 * Names are compared, so text that is not UTF-8 is refused, not guessed. A byte order mark, as Windows editors write,
 * is dropped.
 */
function textOf(bytes: Uint8Array, source: string): string {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw invalid(source, 'not UTF-8; save it as UTF-8')
  return text
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(path, `not JSON: ${(error as Error).message}`)
  }
}

function mustHaveNoCycle(labels: readonly Label[], source: string): void {
  const order = parentsFirst(labels)
  if (order.length === labels.length) return
  const id = labelOnCycle(labels, order)
  throw invalid(source, `label ${id} (${labels[id]?.name}) is its own ancestor`)
}

function findAncestors(id: number, labels: readonly Label[]): readonly number[] {
  const found = new Set<number>()
  const open = [...(labels[id]?.parents ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(labels[next]?.parents ?? []))
  }
  return [...found].sort((a, b) => a - b)
}

/** Memoizes up to a limit, because the ancestors of all labels of a chain grow with the square of its length. */
function memoized(find: (id: number) => readonly number[]): (id: number) => readonly number[] {
  const known = new Map<number, readonly number[]>()
  let idsLeft = MEMOIZED_IDS
  return (id) => {
    const before = known.get(id)
    if (before) return before
    const found = find(id)
    idsLeft -= found.length
    if (idsLeft >= 0) known.set(id, found)
    return found
  }
}

function invalid(source: string, what: string): DownpourError {
  return new DownpourError('LABELS_INVALID', `${source}: ${what}`, { source })
}
