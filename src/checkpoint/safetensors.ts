/** The safetensors format: u64 length of a JSON header, the header, raw little-endian tensors. Only float32 is supported. */
import { DownpourError } from '../support/errors.ts'
import { sizeOf } from '../support/variables.ts'

export interface Tensor {
  shape: readonly number[]
  data: Float32Array
}

/** Tensors that follow each other in `flat`, so that a shard is written without a copy of each tensor. */
export interface TensorRun {
  tensors: readonly { name: string; shape: readonly number[] }[]
  flat: Float32Array
}

export const MAX_HEADER_BYTES = 100 << 20

/** The parts of the file in order: length and header, then each run. */
export function encodeSafetensors(runs: readonly TensorRun[], metadata: Record<string, string> = {}): Uint8Array[] {
  // Without a prototype, because a tensor may be named `__proto__`.
  const header: Record<string, unknown> = Object.assign(Object.create(null), { __metadata__: metadata })
  let at = 0
  for (const { tensors, flat } of runs) {
    const end = at + flat.byteLength
    for (const { name, shape } of tensors) {
      const bytes = 4 * sizeOf(shape)
      header[name] = { dtype: 'F32', shape, data_offsets: [at, at + bytes] }
      at += bytes
    }
    if (at !== end) throw new DownpourError('BUG_SAFETENSORS', `tensors end at ${at}, their bytes at ${end}`)
  }
  const json = Buffer.from(JSON.stringify(header))
  // Padded with spaces so that tensors start at a multiple of 8 and can be read in place.
  const padded = Math.ceil(json.length / 8) * 8
  const head = Buffer.alloc(8 + padded, ' ')
  head.writeBigUInt64LE(BigInt(padded), 0)
  json.copy(head, 8)
  return [head, ...runs.map(({ flat }) => new Uint8Array(flat.buffer, flat.byteOffset, flat.byteLength))]
}

/**
 * Views into `file`, without a copy. Offsets are checked before use, and every byte must belong to exactly one tensor: a
 * gap or an overlap means that header and data do not belong together.
 * @throws DownpourError SAFETENSORS_INVALID
 */
export function decodeSafetensors(file: ArrayBuffer): Map<string, Tensor> {
  const { header, dataStart } = decodeHeader(file)
  const tensors = new Map<string, Tensor>()
  const ranges: Range[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue
    const { shape, begin, end } = checkedEntry(name, value, file.byteLength - dataStart)
    tensors.set(name, { shape, data: floatsAt(file, dataStart + begin, (end - begin) / 4) })
    ranges.push({ name, begin, end })
  }
  mustCover(ranges, file.byteLength - dataStart)
  return tensors
}

interface Range {
  name: string
  begin: number
  end: number
}

function mustCover(ranges: Range[], dataBytes: number): void {
  let at = 0
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw invalid(`tensor '${name}' begins at byte ${begin}, the previous one ends at ${at}`)
    at = end
  }
  if (at !== dataBytes) throw invalid(`its tensors end at byte ${at} of ${dataBytes}`)
}

function decodeHeader(file: ArrayBuffer): { header: Record<string, unknown>; dataStart: number } {
  if (file.byteLength < 8) throw invalid('it is shorter than 8 bytes')
  const length = Number(new DataView(file).getBigUint64(0, true))
  if (length > MAX_HEADER_BYTES || length + 8 > file.byteLength) throw invalid(`it claims a header of ${length} bytes`)
  const header = parsed(Buffer.from(file, 8, length).toString('utf8'))
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw invalid('its header is not an object')
  return { header: header as Record<string, unknown>, dataStart: 8 + length }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('its header is not JSON', cause)
  }
}

function checkedEntry(
  name: string,
  value: unknown,
  dataBytes: number,
): { shape: number[]; begin: number; end: number } {
  const entry = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null
  const shape = naturals(entry?.shape)
  const [begin, end, ...more] = naturals(entry?.data_offsets) ?? []
  if (entry?.dtype !== 'F32') throw invalid(`tensor '${name}' has dtype ${String(entry?.dtype)}, expected F32`)
  if (!shape || begin === undefined || end === undefined || more.length > 0)
    throw invalid(`tensor '${name}' lacks shape or offsets`)
  if (begin > end || end > dataBytes) throw invalid(`tensor '${name}' is outside of the file`)
  if (end - begin !== 4 * sizeOf(shape)) throw invalid(`tensor '${name}' has ${end - begin} bytes for shape [${shape}]`)
  return { shape, begin, end }
}

function naturals(value: unknown): number[] | undefined {
  const ok = Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
  return ok ? (value as number[]) : undefined
}

function floatsAt(file: ArrayBuffer, byte: number, length: number): Float32Array {
  if (byte % 4 === 0) return new Float32Array(file, byte, length)
  return new Float32Array(file.slice(byte, byte + 4 * length))
}

function invalid(reason: string, cause?: unknown): DownpourError {
  return new DownpourError('SAFETENSORS_INVALID', `not a valid safetensors file: ${reason}`, {}, { cause })
}
