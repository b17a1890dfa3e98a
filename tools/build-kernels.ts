/** Builds src/ps/kernels.wasm from the element kernels in src/ps, and src/wire/scan.wasm and encodings.wasm with their twins for shared memories. The results are committed, and tests compare them with their sources. */
import wabtInit from 'wabt'
import { POLICIES } from '../src/ps/async/policies.ts'
import type { ElementKernel } from '../src/ps/kernel.ts'
import { MOVING_AVERAGE } from '../src/ps/moving-average.ts'
import { OPTIMIZERS } from '../src/ps/optimizers/optimizers.ts'
import { compileEncodings } from './compile-encodings.ts'
import { compileKernel } from './compile-kernel.ts'
import { compileScan } from './compile-scan.ts'

/** A memory of at most 4 GiB. WebAssembly has a type of its own for one that threads share. */
const memory = (isShared: boolean) => `(import "env" "memory" (memory 1 65536${isShared ? ' shared' : ''}))`

export async function buildKernels(): Promise<Uint8Array> {
  const optimizers = Object.values(OPTIMIZERS).map(({ kernel }) => kernel)
  const policies = Object.values(POLICIES).flatMap(({ kernels = [] }) => kernels)
  const kernels: ElementKernel[] = [MOVING_AVERAGE, ...optimizers, ...policies]
  return assemble('kernels.wat', `(module\n  ${memory(true)}${kernels.map(compileKernel).join('\n')}\n)\n`)
}

export async function buildScan({ isShared }: { isShared: boolean }): Promise<Uint8Array> {
  return assemble('scan.wat', `(module\n  ${memory(isShared)}${compileScan()}\n)\n`)
}

export async function buildEncodings({ isShared }: { isShared: boolean }): Promise<Uint8Array> {
  return assemble('encodings.wat', `(module\n  ${memory(isShared)}${compileEncodings()}\n)\n`)
}

async function assemble(name: string, text: string): Promise<Uint8Array> {
  const wabt = await wabtInit()
  const bytes = wabt.parseWat(name, text, { simd: true, threads: true }).toBinary({}).buffer
  // Validates it.
  new WebAssembly.Module(bytes)
  return bytes
}
