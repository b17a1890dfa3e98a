/** Builds src/ps/kernels.wasm from the element kernels in src/ps, and src/wire/scan.wasm. The results are committed, and a test compares them with their sources. */
import wabtInit from 'wabt'
import { POLICIES } from '../src/ps/async/policies.ts'
import type { ElementKernel } from '../src/ps/kernel.ts'
import { MOVING_AVERAGE } from '../src/ps/moving-average.ts'
import { OPTIMIZERS } from '../src/ps/optimizers/optimizers.ts'
import { compileKernel } from './compile-kernel.ts'
import { compileScan } from './compile-scan.ts'

/** A memory of at most 4 GiB. */
const MEMORY = '(import "env" "memory" (memory 1 65536))'

export async function buildKernels(): Promise<Uint8Array> {
  const optimizers = Object.values(OPTIMIZERS).map(({ kernel }) => kernel)
  const policies = Object.values(POLICIES).flatMap(({ kernels = [] }) => kernels)
  const kernels: ElementKernel[] = [MOVING_AVERAGE, ...optimizers, ...policies]
  return assemble('kernels.wat', `(module\n  ${MEMORY}${kernels.map(compileKernel).join('\n')}\n)\n`)
}

export async function buildScan(): Promise<Uint8Array> {
  return assemble('scan.wat', compileScan())
}

async function assemble(name: string, text: string): Promise<Uint8Array> {
  const wabt = await wabtInit()
  const module = wabt.parseWat(name, text, { simd: true })
  module.validate()
  return module.toBinary({}).buffer
}
