/** Writes a shard under a temporary name, which becomes its own when it is complete and on the disk. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DownpourError, errorCode } from '../../support/errors.ts'

/** The ending of a temporary name. Readers of data sets pass such files over as unfinished. */
const TEMPORARY = /\.[0-9a-f]{8}\.tmp$/
/** Records are collected to pieces of this size. */
const WRITE_BYTES = 4 << 20

/**
 * Replaces a file of that name. Nothing is left of it after an error.
 * @throws DownpourError CONVERT_CONCURRENT; errors of `parts` and of the disk
 * @param parts written one after the other
 * @returns the number of bytes
 */
export async function writeFileWhole(folder: string, name: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  // The name is random, so that a second run on the same folder cannot write into this file.
  const temporary = join(folder, `${name}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      const bytes = await writeParts(file, parts)
      await file.sync()
      await rename(temporary, join(folder, name)).catch((error) => {
        throw errorCode(error) === 'ENOENT' ? removed(folder, name) : error
      })
      await syncFolder(folder)
      return bytes
    } finally {
      await file.close()
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the first error is the one to report
    throw error
  }
}

/** A second run removes what it takes for the remains of a run that was killed. */
function removed(folder: string, name: string): DownpourError {
  const message = `${join(folder, name)}: was removed while it was written: another conversion uses this folder; let one of them end`
  return new DownpourError('CONVERT_CONCURRENT', message, { folder, name })
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name)
}

/** Of runs that were killed. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (isTemporary(name)) await rm(join(folder, name), { force: true })
  }
}

async function writeParts(file: FileHandle, parts: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const flush = async () => {
    await file.writeFile(Buffer.concat(waiting))
    waiting = []
    waitingBytes = 0
  }
  for await (const part of parts) {
    waiting.push(part)
    waitingBytes += part.length
    bytes += part.length
    if (waitingBytes >= WRITE_BYTES) await flush()
  }
  await flush()
  return bytes
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
