/** The header of a safetensors file: u64 length, then JSON with the type, shape and place of each tensor. */
import { DownpourError } from '../support/errors.ts'
import { isFields } from '../support/fields.ts'
import { sizeOf } from '../support/variables.ts'

export const MAX_HEADER_BYTES = 100 << 20
export const HEADER_LENGTH_BYTES = 8

/** Bytes of one value. */
export const DTYPE_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 } as const
export type Dtype = keyof typeof DTYPE_BYTES

export interface DeclaredTensor {
  name: string
  dtype: Dtype
  shape: readonly number[]
}

/** `begin` and `end` are bytes from the end of the header. */
export interface TensorEntry extends Omit<DeclaredTensor, 'name'> {
  begin: number
  end: number
}

export interface SafetensorsHeader {
  entries: ReadonlyMap<string, TensorEntry>
  metadata: ReadonlyMap<string, string>
}

/** Length and header of a file whose tensors follow each other in this order. */
export function encodeHeader(tensors: Iterable<DeclaredTensor>, metadata: Readonly<Record<string, string>>): Buffer {
  // Without a prototype, because a tensor may be named `__proto__`.
  const header: Record<string, unknown> = Object.assign(Object.create(null), { __metadata__: metadata })
  let at = 0
  for (const { name, dtype, shape } of tensors) {
    const end = at + DTYPE_BYTES[dtype] * sizeOf(shape)
    header[name] = { dtype, shape, data_offsets: [at, end] }
    at = end
  }
  const json = Buffer.from(JSON.stringify(header))
  // Padded with spaces so that tensors start at a multiple of 8 and can be read in place.
  const padded = Math.ceil(json.length / 8) * 8
  const head = Buffer.alloc(HEADER_LENGTH_BYTES + padded, ' ')
  head.writeBigUInt64LE(BigInt(padded), 0)
  json.copy(head, HEADER_LENGTH_BYTES)
  return head
}

/**
 * @returns the bytes of the JSON that follow the first eight
 * @throws DownpourError SAFETENSORS_INVALID
 */
export function headerLength(start: Uint8Array, fileBytes: number): number {
  if (fileBytes < HEADER_LENGTH_BYTES) throw invalid('it is shorter than 8 bytes')
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true))
  if (length <= MAX_HEADER_BYTES && length + HEADER_LENGTH_BYTES <= fileBytes) return length
  throw invalid(`it claims a header of ${length} bytes, and the file has ${fileBytes}`)
}

/**
 * Every byte of the data must belong to exactly one tensor: a gap or an overlap means that header and data do not belong
 * together.
 * @throws DownpourError SAFETENSORS_INVALID
 */
export function decodeHeader(json: Uint8Array, dataBytes: number, dtypes: readonly Dtype[]): SafetensorsHeader {
  const header = parsed(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8'))
  if (!isFields(header)) throw invalid('its header is not an object')
  const entries = new Map<string, TensorEntry>()
  for (const [name, value] of Object.entries(header))
    if (name !== '__metadata__') entries.set(name, checkedEntry(name, value, dataBytes, dtypes))
  mustCover(entries, dataBytes)
  return { entries, metadata: textsOf(header.__metadata__) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('its header is not JSON', cause)
  }
}

function checkedEntry(name: string, value: unknown, dataBytes: number, dtypes: readonly Dtype[]): TensorEntry {
  const entry = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null
  const shape = naturals(entry?.shape)
  const [begin, end, ...more] = naturals(entry?.data_offsets) ?? []
  const dtype = dtypes.find((one) => one === entry?.dtype)
  if (!dtype) throw invalid(`tensor '${name}' has dtype ${String(entry?.dtype)}, expected ${dtypes.join(', ')}`)
  if (!shape || begin === undefined || end === undefined || more.length > 0)
    throw invalid(`tensor '${name}' lacks shape or offsets`)
  if (begin > end || end > dataBytes) throw invalid(`tensor '${name}' is outside of the file`)
  if (end - begin !== DTYPE_BYTES[dtype] * sizeOf(shape))
    throw invalid(`tensor '${name}' has ${end - begin} bytes for shape [${shape}]`)
  return { dtype, shape, begin, end }
}

function naturals(value: unknown): number[] | undefined {
  const ok = Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)
  return ok ? (value as number[]) : undefined
}

function mustCover(entries: ReadonlyMap<string, TensorEntry>, dataBytes: number): void {
  let at = 0
  for (const [name, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) throw invalid(`tensor '${name}' begins at byte ${begin}, the previous one ends at ${at}`)
    at = end
  }
  if (at !== dataBytes) throw invalid(`its tensors end at byte ${at} of ${dataBytes}`)
}

/** @throws DownpourError SAFETENSORS_INVALID: the format allows texts only */
function textsOf(metadata: unknown): Map<string, string> {
  if (metadata === undefined) return new Map()
  if (!isFields(metadata)) throw invalid('its __metadata__ is not an object')
  const entries = Object.entries(metadata)
  const wrong = entries.find(([, value]) => typeof value !== 'string')
  if (wrong) throw invalid(`__metadata__.${wrong[0]} is not a text`)
  return new Map(entries as [string, string][])
}

export function invalid(reason: string, cause?: unknown): DownpourError {
  return new DownpourError('SAFETENSORS_INVALID', `not a valid safetensors file: ${reason}`, {}, { cause })
}
