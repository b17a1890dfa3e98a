/** The arithmetic of kernels.wasm over float32 arrays in one WebAssembly memory. */
import { readFileSync } from 'node:fs'
import type { ElementKernel } from './kernel.ts'

const compiled = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)))

/** Positions of arrays are bytes from the start of the memory that the kernels were loaded with. */
export class Kernels {
  readonly #functions: Record<string, (...numbers: number[]) => void>

  constructor(memory: WebAssembly.Memory) {
    this.#functions = new WebAssembly.Instance(compiled, { env: { memory } }).exports as never
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
    found(...arrays.map((array) => positions[array]), length, ...scalars.map((scalar) => values[scalar]))
  }
}
