/** Writes PNGs of class indices in each form that VOC's masks have, independently of the code that reads them. */
import { crc32, deflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const GREY = 0
const PALETTE = 3

export interface Indices {
  readonly width: number
  readonly height: number
  /** Row by row. */
  readonly values: Uint8Array
}

/** @param bits of each pixel: 1, 2, 4 or 8. @param palette red, green and blue of each index; absent: grey pixels */
export function indexPng({ width, height, values }: Indices, bits: number, palette?: Uint8Array): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bits, palette ? PALETTE : GREY], 8)
  const rows = Array.from({ length: height }, (_, y) => packed(values.subarray(y * width, (y + 1) * width), bits))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...(palette ? [chunk('PLTE', Buffer.from(palette))] : []),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** One row: the filter byte "none", then the pixels from the highest bit down. */
function packed(row: Uint8Array, bits: number): Buffer {
  const bytes = Buffer.alloc(1 + Math.ceil((row.length * bits) / 8))
  row.forEach((value, x) => {
    const bit = x * bits
    const place = 1 + (bit >> 3)
    bytes[place] = (bytes[place] as number) | (value << (8 - bits - (bit & 7)))
  })
  return bytes
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}
