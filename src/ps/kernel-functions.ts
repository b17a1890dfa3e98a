/** The functions of kernels.wasm. */
import { readFileSync } from 'node:fs'
import type { KernelFunction } from './kernel.ts'

const compiled = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)))

/** By name; every thread has them in the same order. @param memory a shared one */
export function kernelFunctions(memory: WebAssembly.Memory): Readonly<Record<string, KernelFunction>> {
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as never
}
