/** The functions that threads of kernels run: those of kernels.wasm, and two that are not arithmetic. */
import { readFileSync } from 'node:fs'
import { BLOCK_BYTES, Scanner, STATE_BYTES } from '../wire/scan.ts'
import type { KernelCall, KernelFunction } from './kernel.ts'

/** Elements of a chunk, a multiple of the lanes of a kernel: few enough to share the work evenly, and many to a system call. */
export const CHUNK = 1 << 17
const CHUNK_BYTES = 4 * CHUNK

const compiled = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)))

/** By name; every thread has them in the same order. @param memory a shared one */
export function kernelFunctions(memory: WebAssembly.Memory): Readonly<Record<string, KernelFunction>> {
  const arithmetic = new WebAssembly.Instance(compiled, { env: { memory } }).exports as never
  const bytes = new Uint8Array(memory.buffer)
  const scanner = new Scanner(memory)
  return {
    ...(arithmetic as Readonly<Record<string, KernelFunction>>),
    move: (to: number, from: number, length: number) => void bytes.copyWithin(to, from, from + 4 * length),
    checksum(from: number, length: number, body: number, states: number) {
      const state = states + STATE_BYTES * ((from - body) / CHUNK_BYTES)
      scanner.start(state)
      scanner.sum(state, from, BLOCK_BYTES * Math.ceil((4 * length) / BLOCK_BYTES))
    },
  }
}

/** Copies elements bit by bit, which arithmetic does not: it flushes the smallest values. */
export function move(from: number, to: number, { start, length }: Pick<KernelCall, 'start' | 'length'>): KernelCall {
  return { name: 'move', start, length, positions: [to, from], scalars: [] }
}

/**
 * Sums up each chunk of a body for its checksum, and does not ask whether it is finite. There must be zeros after the body up to
 * the end of its last block.
 * @param states position of `stateBytes(length)`
 */
export function checksum(body: number, length: number, states: number): KernelCall {
  return { name: 'checksum', start: 0, length, positions: [body], scalars: [body, states] }
}

/** Of the states of the chunks of so many elements. */
export function stateBytes(length: number): number {
  return STATE_BYTES * Math.ceil(length / CHUNK)
}
