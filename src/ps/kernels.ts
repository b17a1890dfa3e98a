import { readFileSync } from 'node:fs'

/** kernels.wat's functions. Pointers are bytes into the memory they were loaded with, counts are float32 elements. */
export interface Kernels {
  rmsprop(
    w: number,
    g: number,
    rms: number,
    momentum: number,
    n: number,
    learningRate: number,
    decay: number,
    mu: number,
    epsilon: number,
    weightDecay: number,
  ): void
  momentum(
    w: number,
    g: number,
    momentum: number,
    n: number,
    learningRate: number,
    mu: number,
    weightDecay: number,
  ): void
  average(mean: number, batch: number, n: number, decay: number): void
  compensate(g: number, w: number, old: number, n: number, lambda: number): void
  finite(p: number, n: number): number
}

const compiled = new WebAssembly.Module(readFileSync(new URL('kernels.wasm', import.meta.url)))

export function loadKernels(memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Kernels
}
