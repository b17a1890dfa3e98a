/** Tells errors that a person must fix in the data from errors of the storage that may go away by themselves. */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'

const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])
const FORBIDDEN = new Set(['EACCES', 'EPERM'])
const BAD_PATH = new Set(['ELOOP', 'ENAMETOOLONG'])
const ADVICE = 'let it read (chmod -R a+rX, or an fsGroup for the pods), or move away what is not data'

/** @returns undefined if there is nothing at the path. @throws DownpourError DATA_UNREADABLE; Node's error when the storage fails */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw unreadable(path, error)
  }
}

/** There is no file or folder at the path. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(errorCode(error))
}

/**
 * @returns DownpourError DATA_UNREADABLE with advice; an error of the storage unchanged, because a retry may succeed
 */
export function unreadable(path: string, error: unknown): unknown {
  const code = errorCode(error)
  const fail = (what: string) =>
    new DownpourError(
      'DATA_UNREADABLE',
      `${printable(path)}: cannot be read: ${printable(what)}`,
      { path },
      { cause: error },
    )
  if (FORBIDDEN.has(code)) return fail(`permission denied to uid ${process.getuid?.()}; ${ADVICE}`)
  return isMissing(error) || BAD_PATH.has(code) ? fail(errorMessage(error)) : error
}
