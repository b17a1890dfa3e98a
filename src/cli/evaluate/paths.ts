/** Says what is wrong with a path that the user gave. */
import { stat } from 'node:fs/promises'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'

export type PathKind = 'file' | 'folder'

const UNREADABLE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG'])

/** A pipe of a shell, `<(zcat results.json.gz)`, is a file here. @throws DownpourError FILE_UNREADABLE */
export async function checkPath(path: string, kind: PathKind, expected: string): Promise<void> {
  const found = await stat(path).catch((error) => {
    const what = errorCode(error) === 'ENOENT' ? 'does not exist' : errorMessage(error)
    throw new DownpourError('FILE_UNREADABLE', `${path}: ${what}: expected ${expected}`, { path }, { cause: error })
  })
  if (found.isDirectory() === (kind === 'folder')) return
  const message = `${path}: is a ${found.isDirectory() ? 'folder' : 'file'}: expected ${expected}`
  throw new DownpourError('FILE_UNREADABLE', message, { path })
}

/** An error of the disk that the user can mend, without a stack; any other error unchanged. */
export function readable(error: unknown): unknown {
  if (error instanceof DownpourError || !UNREADABLE.has(errorCode(error))) return error
  return new DownpourError('FILE_UNREADABLE', errorMessage(error), {}, { cause: error })
}
