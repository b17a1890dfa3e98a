import { DownpourError, errorCode } from '../support/errors.ts'
import { type FileSystem, READ } from './file-system.ts'

/** Errors of a path that a retry does not change. */
const FOR_GOOD = new Set(['EISDIR', 'ELOOP', 'ENOTDIR', 'ENXIO'])

/**
 * Reads a small file.
 * @throws DownpourError NOT_A_FILE for a folder, a pipe, a device, a link to itself, or a longer file; Node's errors
 */
export async function readSmallFile(path: string, maxBytes: number, fs: FileSystem): Promise<Buffer> {
  try {
    const found = await fs.stat(path)
    if (!found.isFile()) throw notAFile(path, 'is not a regular file (a folder, pipe, socket or device)')
    if (found.size > maxBytes) throw notAFile(path, `has ${found.size} bytes, at most ${maxBytes} are expected`)
    return await fs.readFile(path, { flag: READ })
  } catch (cause) {
    if (FOR_GOOD.has(errorCode(cause))) throw notAFile(path, `is not a regular file (${errorCode(cause)})`, cause)
    throw cause
  }
}

function notAFile(path: string, what: string, cause?: unknown): DownpourError {
  return new DownpourError('NOT_A_FILE', `${path} ${what}`, { path }, { cause })
}
