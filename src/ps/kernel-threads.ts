/** Runs large kernels on several threads. */
import { Worker } from 'node:worker_threads'
import type { KernelFunction } from './kernel.ts'
import { CHUNK, CONTROL_BYTES, KernelChunks, type SharedWork } from './kernel-chunks.ts'

/** Elements of a kernel that is worth waking threads for. */
const LONG = 16 * CHUNK

export class KernelThreads {
  readonly #functions: readonly KernelFunction[]
  readonly #chunks: KernelChunks

  /** @param count threads, with the calling one */
  constructor(memory: WebAssembly.Memory, functions: readonly KernelFunction[], count: number) {
    const control = new SharedArrayBuffer(CONTROL_BYTES)
    this.#functions = functions
    this.#chunks = new KernelChunks(control, functions)
    const workerData: SharedWork = { memory, control }
    for (let i = 1; i < count; i++) new Worker(new URL('./kernel-thread.ts', import.meta.url), { workerData }).unref()
  }

  /** Returns when all of it is done. @param positions of the arrays, in bytes. @param length elements of each */
  run(kernel: KernelFunction, positions: readonly number[], length: number, scalars: readonly number[]): void {
    if (length < LONG) kernel(...positions, length, ...scalars)
    else this.#chunks.runAll(this.#functions.indexOf(kernel), positions, length, scalars)
  }
}
