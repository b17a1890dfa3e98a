/** Opens files with O_NONBLOCK: opening a pipe would otherwise wait for a writer, possibly for ever. */
import { constants, type FileHandle, open } from 'node:fs/promises'
import { DownpourError, errorCode } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { unreadable } from './unreadable.ts'

interface OpenFile {
  readonly file: FileHandle
  readonly bytes: number
}

/** @throws DownpourError DATA_UNREADABLE; Node's error where the storage is at fault */
export async function openRegular(path: string): Promise<FileHandle> {
  return (await openSized(path)).file
}

async function openSized(path: string): Promise<OpenFile> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
    // Opening a socket gives this error.
    throw errorCode(error) === 'ENXIO' ? notRegular(path) : unreadable(path, error)
  })
  try {
    const facts = await file.stat()
    if (facts.isFile()) return { file, bytes: facts.size }
    throw notRegular(path)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The whole file. @throws DownpourError DATA_UNREADABLE, also for a file of more than `maxBytes` */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer> {
  const { file, bytes } = await openSized(path)
  try {
    if (bytes <= maxBytes) return await readAll({ file, bytes })
    throw new DownpourError('DATA_UNREADABLE', `${printable(path)}: has ${bytes} bytes; at most ${maxBytes} are read`)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await file.close()
  }
}

/** The first `bytes` bytes, or fewer where the file is shorter. */
export async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await openRegular(path)
  try {
    const head = Buffer.alloc(bytes)
    const { bytesRead } = await file.read(head, 0, bytes, 0)
    return head.subarray(0, bytesRead)
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    await file.close()
  }
}

/** `readFile` asks for the size again, which takes as long as reading a picture. Files of /proc have the size 0. */
async function readAll({ file, bytes }: OpenFile): Promise<Buffer> {
  if (bytes === 0) return file.readFile()
  const all = Buffer.allocUnsafeSlow(bytes)
  let read = 0
  for (let more = 1; more > 0 && read < bytes; read += more) {
    more = (await file.read(all, read, bytes - read, read)).bytesRead
  }
  return all.subarray(0, read)
}

function notRegular(path: string): DownpourError {
  const message = `${printable(path)}: is not a regular file (a folder, pipe, socket or device); remove it`
  return new DownpourError('DATA_UNREADABLE', message, { path })
}
