/** TFRecord: u64 length, its masked CRC, data, its masked CRC; all little-endian (paper.md §5). */
import { readFile } from 'node:fs/promises'
import { DownpourError } from '../../support/errors.ts'
import { maskedCrc32c } from './crc32c.ts'

const LENGTH_BYTES = 8
const CRC_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + CRC_BYTES

/** What the reader met: a record, or damage at a byte offset of the file. */
export type TfRecordItem =
  | { type: 'record'; data: Uint8Array; offset: number }
  | { type: 'corrupt'; offset: number; reason: string }

/**
 * Records of one shard. A record with a bad data CRC is skipped; after a bad length nothing in the file can be
 * trusted, so the rest of it counts as one corruption.
 */
export function* parseTfRecords(file: Uint8Array): Generator<TfRecordItem> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let offset = 0
  while (offset < file.length) {
    const lengthProblem = checkLength(file, view, offset)
    if (lengthProblem) return yield { type: 'corrupt', offset, reason: lengthProblem }
    const start = offset + HEAD_BYTES
    const end = start + Number(view.getBigUint64(offset, true))
    const data = file.subarray(start, end)
    if (maskedCrc32c(data) === view.getUint32(end, true)) yield { type: 'record', data, offset }
    else yield { type: 'corrupt', offset, reason: 'data CRC does not match' }
    offset = end + CRC_BYTES
  }
}

function checkLength(file: Uint8Array, view: DataView, offset: number): string | undefined {
  if (file.length - offset < HEAD_BYTES) return 'file ends inside a record header'
  const lengthCrc = view.getUint32(offset + LENGTH_BYTES, true)
  if (maskedCrc32c(file.subarray(offset, offset + LENGTH_BYTES)) !== lengthCrc) return 'length CRC does not match'
  const needed = BigInt(offset + HEAD_BYTES + CRC_BYTES) + view.getBigUint64(offset, true)
  return needed > BigInt(file.length) ? 'file ends inside a record' : undefined
}

export async function readTfRecordFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new DownpourError(
      'DATA_UNREADABLE',
      `${path}: cannot be read: ${(error as Error).message}`,
      { path },
      { cause: error },
    )
  }
}

export function encodeTfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(HEAD_BYTES + data.length + CRC_BYTES)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, LENGTH_BYTES)), LENGTH_BYTES)
  record.set(data, HEAD_BYTES)
  record.writeUInt32LE(maskedCrc32c(data), HEAD_BYTES + data.length)
  return record
}
