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
/** Few enough that the disk is busy early, and enough that each flush is worth its commit of the file system's journal. */
const FLUSH_BYTES = 32 << 20
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
  const writing = new Writing(file)
  for await (const part of parts)
    for (let at = 0; at < part.length; at += CHUNK_BYTES) {
      const chunk = part.subarray(at, at + CHUNK_BYTES)
      const earlier = writing.add(chunk)
      hash.update(chunk)
      await earlier
    }
  await writing.ended()
  return { bytes: writing.bytes, sha256: hash.digest('hex') }
}

/**
 * Keeps the disk busy while this thread computes a hash: two writes are under way at once, and what is written is flushed
 * meanwhile, so that the last fsync has little to wait for.
 */
class Writing {
  /** That were added. */
  bytes = 0
  readonly #file: FileHandle
  #last: Promise<void> = Promise.resolve()
  #flush: Promise<void> = Promise.resolve()
  #unflushedBytes = 0

  constructor(file: FileHandle) {
    this.#file = file
  }

  /**
   * Starts a write; the chunk must not change afterwards.
   * @returns when the write before it has ended
   * @throws Node's error of that write, or of an earlier flush, which the kernel reports only once
   */
  add(chunk: Uint8Array): Promise<void> {
    const before = this.#last
    this.#last = handled(writeAll(this.#file, chunk, this.bytes))
    this.bytes += chunk.length
    return before.then(() => this.#flushOften(chunk.length))
  }

  /** @throws as `add` */
  async ended(): Promise<void> {
    await this.#last
    await this.#flush
  }

  async #flushOften(bytes: number): Promise<void> {
    this.#unflushedBytes += bytes
    if (this.#unflushedBytes < FLUSH_BYTES) return
    this.#unflushedBytes = 0
    await this.#flush
    this.#flush = handled(this.#file.datasync())
  }
}

/** A promise that is awaited later: until then its rejection must not end the process. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** write(2) may write fewer bytes than requested. */
async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at, position + at)
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
