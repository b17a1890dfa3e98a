/**
 * The list of duplicates: one test picture a line, `ID<TAB>SOURCE ID<TAB>method<TAB>distance`. `spec.evaluation.exclude`
 * reads the first column; lines that begin with # are comments.
 */
import { open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { DownpourError, errorCode } from '../support/errors.ts'
import { type FolderUse, folderError, requireFolder } from '../support/folder.ts'
import { printable } from '../support/printable.ts'
import type { MethodName } from './method.ts'

export interface Duplicate {
  readonly test: string
  readonly training: string
  readonly method: MethodName
  readonly distance: number
}

const FIRST_LINE = '# near-duplicates, found by downpour data dedup'
export const LIST_USE: FolderUse = { option: '--out', code: 'DEDUP_OUT_UNUSABLE' }
const DECIMALS = 4

/**
 * Called before any picture is read. A file that is not such a list is not replaced.
 * @throws DownpourError DEDUP_OUT_UNUSABLE
 */
export async function checkListPath(path: string): Promise<void> {
  requireFolder(dirname(resolve(path)), { ...LIST_USE, shown: path })
  const found = await stat(path).catch((error) => {
    if (errorCode(error) !== 'ENOENT') throw folderError(path, LIST_USE, error)
  })
  if (!found || (found.isFile() && (found.size === 0 || (await beginsAsList(path))))) return
  const what = found.isFile() ? 'a file that data dedup did not write' : 'not a file'
  throw new DownpourError('DEDUP_OUT_UNUSABLE', `--out ${path}: is ${what}; choose another name`, { path })
}

async function beginsAsList(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE.length), 0, FIRST_LINE.length, 0)
    return buffer.toString('utf8', 0, bytesRead) === FIRST_LINE
  } finally {
    await file.close()
  }
}

/**
 * An id that the list could not hold would exclude another picture, or none.
 * @throws DownpourError DEDUP_ID
 */
export function checkTestId(id: string, folder: string): void {
  if (id !== '' && id.isWellFormed() && !/^#|[\t\n\r\0]/.test(id)) return
  const message = `--test ${folder}: the id ${JSON.stringify(printable(id))} cannot be written to a list: it is empty or no text, begins with "#", or has a tab or a line break`
  throw new DownpourError('DEDUP_ID', message, { id })
}

/** Replaces the file at once, so that no reader sees a part of it. @throws DownpourError DEDUP_OUT_UNUSABLE */
export async function writeList(path: string, comments: readonly string[], rows: readonly Duplicate[]): Promise<void> {
  const lines = [
    FIRST_LINE,
    ...[...comments, 'columns: id of the test picture, id of the training picture, method, distance'].map(
      (comment) => `# ${printable(comment)}`,
    ),
    ...rows.map(lineOf),
  ]
  const unfinished = `${path}.tmp`
  try {
    await writeFile(unfinished, `${lines.join('\n')}\n`)
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {}) // the first error is the one to report
    throw folderError(path, LIST_USE, error)
  }
}

function lineOf({ test, training, method, distance }: Duplicate): string {
  return [test, printable(training), method, distance.toFixed(DECIMALS)].join('\t')
}
