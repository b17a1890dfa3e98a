/** The arithmetic of kernels.wasm over float32 arrays in one shared WebAssembly memory. */
import type { ElementKernel, KernelFunction } from './kernel.ts'
import { kernelFunctions } from './kernel-functions.ts'
import { KernelThreads } from './kernel-threads.ts'

/** Positions of arrays are bytes from the start of the memory that the kernels were loaded with. */
export class Kernels {
  readonly #functions: Readonly<Record<string, KernelFunction>>
  readonly #threads: KernelThreads

  /** @param memory a shared one. @param threads that run a kernel, with the calling one; the others end with the process */
  constructor(memory: WebAssembly.Memory, threads = 1) {
    this.#functions = kernelFunctions(memory)
    this.#threads = new KernelThreads(memory, Object.values(this.#functions), threads)
  }

  /** @param length elements of each array */
  run<Arrays extends string, Scalars extends string>(
    { name, arrays, scalars }: ElementKernel<Arrays, Scalars>,
    positions: Readonly<Record<Arrays, number>>,
    length: number,
    values: Readonly<Record<Scalars, number>>,
  ): void {
    const found = this.#functions[name]
    if (!found) throw new RangeError(`kernels.wasm has no ${name}: run npm run generate`)
    const numbers = scalars.map((scalar) => values[scalar])
    this.#threads.run(found, arrays.map((array) => positions[array]), length, numbers) // biome-ignore format: one call
  }
}
