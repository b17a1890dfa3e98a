/** CRC-32C (Castagnoli), eight bytes at a time, and the masked form that TFRecord stores (paper.md §5). */
const POLYNOMIAL = 0x82f63b78
const MASK_DELTA = 0xa282ead8
const TABLES = makeTables()

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  const [first] = tables as [Uint32Array]
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[byte] = crc >>> 0
  }
  for (let slice = 1; slice < 8; slice++) {
    const before = tables[slice - 1] as Uint32Array
    const table = tables[slice] as Uint32Array
    for (let byte = 0; byte < 256; byte++) {
      const crc = before[byte] as number
      table[byte] = ((crc >>> 8) ^ (first[crc & 255] as number)) >>> 0
    }
  }
  return tables
}

export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const n = (value: number | undefined) => value as number
  let crc = 0xffffffff
  let i = 0
  for (; i + 8 <= bytes.length; i += 8) {
    const low = crc ^ view.getUint32(i, true)
    const high = view.getUint32(i + 4, true)
    crc =
      n(t7[low & 255]) ^
      n(t6[(low >>> 8) & 255]) ^
      n(t5[(low >>> 16) & 255]) ^
      n(t4[low >>> 24]) ^
      n(t3[high & 255]) ^
      n(t2[(high >>> 8) & 255]) ^
      n(t1[(high >>> 16) & 255]) ^
      n(t0[high >>> 24])
  }
  for (; i < bytes.length; i++) crc = n(t0[(crc ^ n(bytes[i])) & 255]) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0
}
