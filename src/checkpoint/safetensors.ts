/** Whole safetensors files in memory, as shards of a checkpoint are: raw little-endian float32 after the header. */
import { DownpourError } from '../support/errors.ts'
import { sizeOf } from '../support/variables.ts'
import { decodeHeader, encodeHeader, HEADER_LENGTH_BYTES, headerLength } from './safetensors-header.ts'

export interface Tensor {
  shape: readonly number[]
  data: Float32Array
}

/** Tensors that follow each other in `flat`, so that a shard is written without a copy of each tensor. */
export interface TensorRun {
  tensors: readonly { name: string; shape: readonly number[] }[]
  flat: Float32Array
}

/** The parts of the file in order: length and header, then each run. */
export function encodeSafetensors(runs: readonly TensorRun[], metadata: Record<string, string> = {}): Uint8Array[] {
  for (const { tensors, flat } of runs) {
    const values = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    if (values !== flat.length)
      throw new DownpourError('BUG_SAFETENSORS', `tensors have ${values} values, their run ${flat.length}`)
  }
  const declared = runs.flatMap(({ tensors }) => tensors.map((tensor) => ({ ...tensor, dtype: 'F32' as const })))
  const bytes = runs.map(({ flat }) => new Uint8Array(flat.buffer, flat.byteOffset, flat.byteLength))
  return [encodeHeader(declared, metadata), ...bytes]
}

/**
 * Views into `file`, without a copy. Offsets are checked before use.
 * @throws DownpourError SAFETENSORS_INVALID
 */
export function decodeSafetensors(file: ArrayBuffer): Map<string, Tensor> {
  const start = new Uint8Array(file, 0, Math.min(HEADER_LENGTH_BYTES, file.byteLength))
  const length = headerLength(start, file.byteLength)
  const dataStart = HEADER_LENGTH_BYTES + length
  const json = new Uint8Array(file, HEADER_LENGTH_BYTES, length)
  const { entries } = decodeHeader(json, file.byteLength - dataStart, ['F32'])
  return new Map(
    [...entries].map(([name, { shape, begin, end }]) => [
      name,
      { shape, data: floatsAt(file, dataStart + begin, (end - begin) / 4) },
    ]),
  )
}

function floatsAt(file: ArrayBuffer, byte: number, length: number): Float32Array {
  if (byte % 4 === 0) return new Float32Array(file, byte, length)
  return new Float32Array(file.slice(byte, byte + 4 * length))
}
