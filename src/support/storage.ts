/** Errors of a disk that is full, read-only or broken. A retry may succeed, once a person has made room. */
import { errorCode } from './errors.ts'

export const STORAGE_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is exhausted',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an error',
  EFBIG: 'a file is too large',
}

/** @returns undefined for any other error */
export function storageErrorReason(error: unknown): string | undefined {
  return STORAGE_REASONS[errorCode(error)]
}
