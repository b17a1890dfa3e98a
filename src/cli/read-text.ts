/** Reads a file named by the user, or standard input: at most MAX_YAML_BYTES, and only UTF-8. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { MAX_YAML_BYTES } from '../support/yaml-bounds.ts'

/** Paths of standard input and of the pipes of a shell's `<(...)`. */
const OPEN_PIPES = /^\/(?:dev|proc\/(?:self|\d+))\/(?:fd\/|stdin$)/

/** @throws DownpourError FILE_UNREADABLE, YAML_TOO_LARGE, YAML_NOT_TEXT */
export async function readText(file: string): Promise<string> {
  try {
    if (file === '-') return textOf(await readBytes(process.stdin), file)
    await checkKind(file)
    return textOf(await readBytes(createReadStream(file)), file)
  } catch (error) {
    if (error instanceof DownpourError) throw error
    throw unreadable(file, errorMessage(error), error)
  }
}

/** Refuses named pipes, which block until another process writes, and devices, which may never end. */
async function checkKind(file: string): Promise<void> {
  const found = await stat(file)
  if (found.isFile() || (OPEN_PIPES.test(file) && !found.isDirectory())) return
  if (found.isDirectory()) throw unreadable(file, 'it is a folder; name the files in it')
  if (found.isFIFO()) throw unreadable(file, "it is a named pipe; '-' reads standard input")
  throw unreadable(file, 'it is a device or a socket, not a file')
}

async function readBytes(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_YAML_BYTES) break
  }
  return Buffer.concat(chunks)
}

function textOf(bytes: Buffer, file: string): string {
  if (bytes.length > MAX_YAML_BYTES) {
    const message = `${file}: larger than ${MAX_YAML_BYTES / 2 ** 20} MiB, more than an API server accepts in one request`
    throw new DownpourError('YAML_TOO_LARGE', message, { file })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const isUtf16 = ['fffe', 'feff'].includes(bytes.toString('hex', 0, 2))
    const message = isUtf16 ? 'it is UTF-16; save it as UTF-8' : 'it is not UTF-8 text'
    throw new DownpourError('YAML_NOT_TEXT', `${file}: ${message}`, { file }, { cause: error })
  }
}

function unreadable(file: string, message: string, cause?: unknown): DownpourError {
  return new DownpourError('FILE_UNREADABLE', `${file}: cannot be read: ${message}`, { file }, { cause })
}
