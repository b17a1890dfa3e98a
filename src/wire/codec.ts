/** The passes of encodings.wasm over float32 arrays in one WebAssembly memory, which threads may share, for any number of values. */
import { readFileSync } from 'node:fs'
import { BLOCK_VALUES, type Encoding, encodedBytes } from './encodings.ts'

const compiled = new WebAssembly.Module(readFileSync(new URL('encodings.wasm', import.meta.url)))
const compiledForShared = new WebAssembly.Module(readFileSync(new URL('encodings-shared.wasm', import.meta.url)))

const FLOAT_BYTES = 4
const BLOCK_BYTES = FLOAT_BYTES * BLOCK_VALUES
/** Of the memory that a codec needs: three arrays and the encoded bytes of one block. */
export const CODEC_BYTES = 4 * BLOCK_BYTES

/** Positions are bytes from the start of the memory. `next` gets what encoding has lost of gradient and residual. */
export interface Encoded {
  gradient: number
  residual: number
  next: number
  to: number
}

export class Codec {
  readonly #memory: WebAssembly.Memory
  readonly #at: number
  readonly #encoding: Encoding
  readonly #encodeBlocks: (gradient: number, residual: number, next: number, to: number, blocks: number) => void
  readonly #decodeBlocks: (from: number, to: number, blocks: number) => void

  /** @param at position of `CODEC_BYTES` that no one else uses */
  constructor(memory: WebAssembly.Memory, at: number, encoding: Encoding) {
    this.#memory = memory
    this.#at = at
    this.#encoding = encoding
    const module = memory.buffer instanceof SharedArrayBuffer ? compiledForShared : compiled
    const passes = new WebAssembly.Instance(module, { env: { memory } }).exports
    this.#encodeBlocks = passes[`encode_${encoding}`] as never
    this.#decodeBlocks = passes[`decode_${encoding}`] as never
  }

  encode({ gradient, residual, next, to }: Encoded, values: number): void {
    const blocks = Math.floor(values / BLOCK_VALUES)
    this.#encodeBlocks(gradient, residual, next, to, blocks)
    const rest = values % BLOCK_VALUES
    if (rest === 0) return
    const [whole, bytes] = [BLOCK_BYTES * blocks, FLOAT_BYTES * rest]
    const [a, b, c, d] = this.#scratch()
    this.#copy(gradient + whole, a, bytes)
    this.#copy(residual + whole, b, bytes)
    this.#encodeBlocks(a, b, c, d, 1)
    this.#copy(c, next + whole, bytes)
    this.#copy(d, to + encodedBytes(this.#encoding, values - rest), encodedBytes(this.#encoding, rest))
  }

  decode(from: number, to: number, values: number): void {
    const blocks = Math.floor(values / BLOCK_VALUES)
    this.#decodeBlocks(from, to, blocks)
    const rest = values % BLOCK_VALUES
    if (rest === 0) return
    const [a, , , d] = this.#scratch()
    this.#copy(from + encodedBytes(this.#encoding, values - rest), d, encodedBytes(this.#encoding, rest))
    this.#decodeBlocks(d, a, 1)
    this.#copy(a, to + BLOCK_BYTES * blocks, FLOAT_BYTES * rest)
  }

  /** Positions of four blocks of zeros, so that values of an earlier call do not change the scale of this one. */
  #scratch(): [number, number, number, number] {
    new Uint8Array(this.#memory.buffer, this.#at, CODEC_BYTES).fill(0)
    return [this.#at, this.#at + BLOCK_BYTES, this.#at + 2 * BLOCK_BYTES, this.#at + 3 * BLOCK_BYTES]
  }

  #copy(from: number, to: number, bytes: number): void {
    new Uint8Array(this.#memory.buffer).copyWithin(to, from, from + bytes)
  }
}
