import { errorCode } from '../support/errors.ts'

const MISSING = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

/** The data's own fault. Any other error is the storage's, and another attempt may find it well again. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(errorCode(error))
}
