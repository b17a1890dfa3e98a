import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DownpourError } from '../support/errors.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'

export interface CommittedFile {
  bytes: number
  /** Hex. */
  sha256: string
}

/** Asynchronous where each part is read or computed only when it is written. */
export type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

const CHUNK_BYTES = 4 << 20
export const TEMPORARY_SUFFIX = '.tmp'

/**
 * Writes a file atomically: temporary name, check of the byte count, fsync, rename, fsync of the folder. Writes in
 * chunks and returns to the event loop between them, so that training continues.
 * @param mayAppear called before the rename; if it throws, the old file remains
 * @throws Node's error (`ENOSPC`, `EIO`…) or CHECKPOINT_SHORT_WRITE, after removing the temporary file
 */
export async function commitFile(
  path: string,
  parts: Parts,
  fs: FileSystem = realFileSystem,
  mayAppear: () => Promise<void> = async () => {},
): Promise<CommittedFile> {
  const temporary = path + TEMPORARY_SUFFIX
  try {
    const file = await fs.open(temporary, 'w')
    try {
      const written = await writeParts(file, parts)
      const { size } = await file.stat()
      if (size !== written.bytes)
        throw new DownpourError('CHECKPOINT_SHORT_WRITE', `${path} has ${size} bytes of ${written.bytes}`, { path })
      await file.sync()
      await mayAppear()
      await fs.rename(temporary, path)
      await syncFolder(dirname(path), fs)
      return written
    } finally {
      await file.close()
    }
  } catch (error) {
    await fs.unlink(temporary).catch(() => {})
    throw error
  }
}

async function writeParts(file: FileHandle, parts: Parts): Promise<CommittedFile> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const part of parts)
    for (let at = 0; at < part.length; at += CHUNK_BYTES) {
      const chunk = part.subarray(at, at + CHUNK_BYTES)
      hash.update(chunk)
      await writeAll(file, chunk)
      bytes += chunk.length
    }
  return { bytes, sha256: hash.digest('hex') }
}

/** write(2) may write fewer bytes than requested. */
async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at)
    if (bytesWritten === 0) throw new DownpourError('CHECKPOINT_SHORT_WRITE', 'the disk accepts no more bytes')
    at += bytesWritten
  }
}

/** Also creates missing parents, and syncs each, so that a power failure cannot lose a folder whose files are synced. */
export async function makeFolder(path: string, fs: FileSystem = realFileSystem): Promise<void> {
  const first = await fs.mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let parent = dirname(path); parent.length >= dirname(first).length; parent = dirname(parent)) {
    await syncFolder(parent, fs)
    if (parent === dirname(parent)) return
  }
}

export async function syncFolder(path: string, fs: FileSystem = realFileSystem): Promise<void> {
  const folder = await fs.open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
