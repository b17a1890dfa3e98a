/** A safetensors file of any size on a disk: the header is in memory, tensors are read one at a time. */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type FileSystem, READ, realFileSystem } from '../checkpoint/file-system.ts'
import {
  DTYPE_BYTES,
  type Dtype,
  decodeHeader,
  HEADER_LENGTH_BYTES,
  headerLength,
  type SafetensorsHeader,
  type TensorEntry,
} from '../checkpoint/safetensors-header.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { otherFormat } from './other-formats.ts'

const CHUNK_BYTES = 4 << 20
const DTYPES = Object.keys(DTYPE_BYTES) as Dtype[]

export class TensorFile implements AsyncDisposable {
  readonly path: string
  readonly bytes: number
  readonly header: SafetensorsHeader
  readonly #file: FileHandle
  readonly #dataStart: number

  private constructor(path: string, file: FileHandle, bytes: number, dataStart: number, header: SafetensorsHeader) {
    this.path = path
    this.bytes = bytes
    this.header = header
    this.#file = file
    this.#dataStart = dataStart
  }

  /** @throws DownpourError FILE_UNREADABLE, NOT_SAFETENSORS for a file of another format, SAFETENSORS_INVALID */
  static async open(path: string, fs: FileSystem = realFileSystem): Promise<TensorFile> {
    const file = await fs.open(path, READ).catch(failing(path))
    try {
      const found = await file.stat()
      if (!found.isFile()) throw unreadable(path, 'it is not a regular file')
      const start = await readAt(file, 0, Math.min(HEADER_LENGTH_BYTES, found.size), path)
      const length = understood(path, start, () => headerLength(start, found.size))
      const dataStart = HEADER_LENGTH_BYTES + length
      const json = await readAt(file, HEADER_LENGTH_BYTES, length, path)
      const header = understood(path, start, () => decodeHeader(json, found.size - dataStart, DTYPES))
      return new TensorFile(path, file, found.size, dataStart, header)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** The values of a tensor that is in the header, converted to float32. @throws DownpourError FILE_UNREADABLE, SAFETENSORS_DTYPE */
  async floats(name: string): Promise<Float32Array> {
    const entry = this.header.entries.get(name) as TensorEntry
    const convert = TO_FLOATS[entry.dtype]
    if (!convert) {
      const message = `${this.path}: tensor '${name}' has dtype ${entry.dtype}, expected ${Object.keys(TO_FLOATS).join(', ')}`
      throw new DownpourError('SAFETENSORS_DTYPE', message, { name })
    }
    const bytes = await readAt(this.#file, this.#dataStart + entry.begin, entry.end - entry.begin, this.path)
    return convert(bytes.buffer)
  }

  /** Of the whole file, in hex. @throws DownpourError FILE_UNREADABLE */
  async sha256(signal?: AbortSignal): Promise<string> {
    const hash = createHash('sha256')
    for (let at = 0; at < this.bytes; at += CHUNK_BYTES) {
      signal?.throwIfAborted()
      hash.update(await readAt(this.#file, at, Math.min(CHUNK_BYTES, this.bytes - at), this.path))
    }
    return hash.digest('hex')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

const TO_FLOATS: Partial<Record<Dtype, (bytes: ArrayBuffer) => Float32Array>> = {
  F32: (bytes) => new Float32Array(bytes),
  F64: (bytes) => new Float32Array(new Float64Array(bytes)),
  // Float16Array is not in every Node that is supported.
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes), fromHalf),
  // The upper half of the bits of a float32.
  BF16: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (half) => half << 16).buffer),
}

/** IEEE 754 binary16: 1 bit of sign, 5 of the exponent, 10 of the fraction. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/** Names the file in errors of the format. A valid file may begin like one of another format, so that is asked last. */
function understood<T>(path: string, start: Uint8Array, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const other = otherFormat(start)
    const code = other === undefined ? 'SAFETENSORS_INVALID' : 'NOT_SAFETENSORS'
    throw new DownpourError(code, `${path} is ${other ?? errorMessage(cause)}`, { path }, { cause })
  }
}

async function readAt(
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at).catch(failing(path))
    if (bytesRead === 0) throw unreadable(path, `it ends at byte ${position + at}: it became shorter meanwhile`)
    at += bytesRead
  }
  return bytes
}

function failing(path: string): (cause: unknown) => never {
  return (cause) => {
    throw unreadable(path, errorMessage(cause), cause)
  }
}

function unreadable(path: string, reason: string, cause?: unknown): DownpourError {
  return new DownpourError('FILE_UNREADABLE', `${path} cannot be read: ${reason}`, { path }, { cause })
}
