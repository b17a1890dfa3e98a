/** The pass of scan.wasm over bodies in a WebAssembly memory, which threads may share. */
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const compiled = new WebAssembly.Module(readFileSync(new URL('scan.wasm', import.meta.url)))
const compiledForShared = new WebAssembly.Module(readFileSync(new URL('scan-shared.wasm', import.meta.url)))

export const BLOCK_BYTES = 16
/** Of a pass that is not finished, in the memory: the sums, then the largest values. */
export const STATE_BYTES = 80
const SUMS_BYTES = 64
/** Bits of 2^64, the smallest float32 with an infinite square, shifted left by one. */
const SQUARE_OVERFLOWS = 0x5f800000 * 2
const PIECE_BYTES = 64 << 10
const PAGE_BYTES = 64 << 10

interface Passes {
  start(state: number): void
  scan(state: number, from: number, bytes: number): void
  sum(state: number, from: number, bytes: number): void
  join(state: number, next: number, blocks: number): void
}

/** Positions are bytes from the start of the memory. */
export class Scanner {
  readonly #memory: WebAssembly.Memory
  readonly #bytes: Uint8Array
  readonly #passes: Passes

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    const isShared = memory.buffer instanceof SharedArrayBuffer
    this.#passes = new WebAssembly.Instance(isShared ? compiledForShared : compiled, { env: { memory } })
      .exports as never
  }

  start(state: number): void {
    this.#passes.start(state)
  }

  /** Continues the pass. @param bytes a multiple of 16 */
  scan(state: number, from: number, bytes: number): void {
    this.#passes.scan(state, from, bytes)
  }

  /** The same without `isFinite`, which then says nothing. */
  sum(state: number, from: number, bytes: number): void {
    this.#passes.sum(state, from, bytes)
  }

  /** Continues the pass with the result of another one, over the `bytes` that follow. @param bytes a multiple of 16 */
  join(state: number, next: number, bytes: number): void {
    this.#passes.join(state, next, bytes / BLOCK_BYTES)
  }

  checksum(state: number): number {
    return crc32(this.#bytes.subarray(state, state + SUMS_BYTES))
  }

  /** Whether every float32, and its square, is finite. The square, because RMSProp stores it: one overflow would stop that weight for ever. */
  isFinite(state: number): boolean {
    return new Uint32Array(this.#memory.buffer, state + SUMS_BYTES, 4).every((largest) => largest < SQUARE_OVERFLOWS)
  }
}

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 })
const scanner = new Scanner(memory)
const piece = new Uint8Array(memory.buffer, PAGE_BYTES, PIECE_BYTES)

/** The checksum of a body in any memory. That of an empty one is 0. */
export function checksumOf(body: Uint8Array): number {
  if (body.length === 0) return 0
  scanner.start(0)
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const part = body.subarray(at, at + PIECE_BYTES)
    const wholeBytes = Math.ceil(part.length / BLOCK_BYTES) * BLOCK_BYTES
    piece.fill(0, part.length, wholeBytes).set(part)
    scanner.scan(0, PAGE_BYTES, wholeBytes)
  }
  return scanner.checksum(0)
}
