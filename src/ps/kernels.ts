/** The arithmetic of kernels.wasm over float32 arrays in one shared WebAssembly memory, on several threads where it is worth it. */
import { Worker } from 'node:worker_threads'
import { type ElementKernel, type KernelCall, kernelCall } from './kernel.ts'
import { controlBytes, KernelChunks, type SharedWork } from './kernel-chunks.ts'
import { kernelFunctions } from './kernel-functions.ts'

/** Elements that are worth waking threads for. */
const LONG = 1 << 20

export interface KernelsOptions {
  /** That run kernels, with the calling one; the others end with the process. By default one. */
  threads?: number | undefined
  /** Of one `runAll`; by default one. */
  maxCalls?: number
}

/** Positions of arrays are bytes from the start of the memory that the kernels were loaded with. */
export class Kernels {
  readonly #chunks: KernelChunks

  /** @param memory a shared one */
  constructor(memory: WebAssembly.Memory, { threads = 1, maxCalls = 1 }: KernelsOptions = {}) {
    const control = new SharedArrayBuffer(controlBytes(maxCalls))
    this.#chunks = new KernelChunks(control, kernelFunctions(memory))
    const workerData: SharedWork = { memory, control }
    for (let i = 1; i < threads; i++) new Worker(new URL('./kernel-thread.ts', import.meta.url), { workerData }).unref()
  }

  /** @param length elements of each array */
  run<Arrays extends string, Scalars extends string>(
    kernel: ElementKernel<Arrays, Scalars>,
    positions: Readonly<Record<Arrays, number>>,
    length: number,
    values: Readonly<Record<Scalars, number>>,
  ): void {
    this.runAll([kernelCall(kernel, positions, { length }, values)])
  }

  /** Each element gets the calls in their order; an element may get one before its neighbour gets the one before. Returns when all of it is done. */
  runAll(calls: readonly KernelCall[]): void {
    const length = Math.max(0, ...calls.map((call) => call.start + call.length))
    if (length < LONG) this.#chunks.runAlone(calls, length)
    else this.#chunks.runTogether(calls, length)
  }
}
