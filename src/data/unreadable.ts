/** Tells errors that a person must fix in the data from errors of the storage that may go away by themselves. */
import { DownpourError, errorCode, errorMessage } from '../support/errors.ts'
import { printable } from '../support/printable.ts'

const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])
const FORBIDDEN = new Set(['EACCES', 'EPERM'])
const BAD_PATH = new Set(['ELOOP', 'ENAMETOOLONG'])
const ADVICE = 'let it read (chmod -R a+rX, or an fsGroup for the pods), or move away what is not data'

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
