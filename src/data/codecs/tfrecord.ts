/** TFRecord: u64 length, its masked CRC, data, its masked CRC; all little-endian (paper.md §5). */
import type { FileHandle } from 'node:fs/promises'
import { DownpourError } from '../../support/errors.ts'
import { openRegular } from '../regular-file.ts'
import { unreadable } from '../unreadable.ts'
import { maskedCrc32c } from './crc32c.ts'
import { signatureOf } from './signature.ts'

const LENGTH_BYTES = 8
const CRC_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + CRC_BYTES
/** Public shards have 100 MB to 1 GB. A file is read in pieces of this size, or of one record if that is larger. */
const READ_BYTES = 1 << 20

/** A record, or damage at a byte offset of the file. */
export type TfRecordItem =
  | { type: 'record'; data: Uint8Array; offset: number }
  | { type: 'corrupt'; offset: number; reason: string }

/**
 * Records of one shard. A record with a bad data CRC is skipped. After a bad length the next record cannot be found, so
 * the rest of the file counts as one corruption. `data` stays valid after the next record is requested.
 * @throws DownpourError DATA_UNREADABLE when the file is missing or of another kind; other errors of the disk
 * unchanged, because another attempt may succeed
 */
export async function* readTfRecords(path: string): AsyncGenerator<TfRecordItem> {
  const file = await openRegular(path)
  try {
    const { size } = await file.stat()
    const pieces = new Pieces(path, file)
    for (let offset = 0; offset < size; ) {
      const head = await pieces.bytes(offset, HEAD_BYTES)
      const lengthProblem = checkHead(head, offset, size)
      if (lengthProblem && offset === 0) mustBeRecords(path, await pieces.bytes(0, READ_BYTES))
      if (lengthProblem) return yield { type: 'corrupt', offset, reason: lengthProblem }
      const length = Number(head.readBigUInt64LE())
      const body = await pieces.bytes(offset + HEAD_BYTES, length + CRC_BYTES)
      if (body.length < length + CRC_BYTES)
        return yield { type: 'corrupt', offset, reason: 'file ends inside a record' }
      const data = body.subarray(0, length)
      if (maskedCrc32c(data) === body.readUInt32LE(length)) yield { type: 'record', data, offset }
      else yield { type: 'corrupt', offset, reason: 'data CRC does not match' }
      offset += HEAD_BYTES + length + CRC_BYTES
    }
  } finally {
    await file.close()
  }
}

/** @param size of the file: no length is believed that reaches beyond it, so none makes us allocate more. */
function checkHead(head: Buffer, offset: number, size: number): string | undefined {
  if (head.length < HEAD_BYTES) return 'file ends inside a record header'
  if (maskedCrc32c(head.subarray(0, LENGTH_BYTES)) !== head.readUInt32LE(LENGTH_BYTES)) {
    return 'length CRC does not match'
  }
  const needed = BigInt(offset + HEAD_BYTES + CRC_BYTES) + head.readBigUInt64LE()
  return needed > BigInt(size) ? 'file ends inside a record' : undefined
}

/** Reads ahead sequentially. Each piece has its own memory, because returned records point into it. */
class Pieces {
  readonly #path: string
  readonly #file: FileHandle
  #piece: Buffer = Buffer.alloc(0)
  #start = 0

  constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Fewer than `length` bytes where the file ends earlier. */
  async bytes(start: number, length: number): Promise<Buffer> {
    if (start < this.#start || start + length > this.#start + this.#piece.length) {
      this.#piece = await this.#read(start, Math.max(length, READ_BYTES))
      this.#start = start
    }
    return this.#piece.subarray(start - this.#start, start - this.#start + length)
  }

  async #read(start: number, length: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const at = filled
      const { bytesRead } = await this.#file.read(piece, at, length - at, start + at).catch((error) => {
        throw unreadable(this.#path, error)
      })
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return piece.subarray(0, filled)
  }
}

/** A file of another kind is an error instead of damage, because none of its records could ever be read. */
function mustBeRecords(path: string, head: Buffer): void {
  const found = isZlib(head) ? COMPRESSED : signatureOf(head)
  if (!found) return
  const { name, advice } = found
  const message = `${path}: not a TFRecord file: it is ${name}${advice ? `; ${advice}` : ''}`
  throw new DownpourError('DATA_UNREADABLE', message, { path })
}

const COMPRESSED = { name: 'compressed by zlib', advice: 'write it without compression' }

/**
 * The output of TensorFlow's ZLIB option: a deflate stream with a 32 KiB window, whose first two bytes are a multiple
 * of 31.
 */
function isZlib(head: Buffer): boolean {
  return head.length >= 2 && head[0] === 0x78 && head.readUInt16BE(0) % 31 === 0
}

export function encodeTfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(HEAD_BYTES + data.length + CRC_BYTES)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, LENGTH_BYTES)), LENGTH_BYTES)
  record.set(data, HEAD_BYTES)
  record.writeUInt32LE(maskedCrc32c(data), HEAD_BYTES + data.length)
  return record
}
