/** Builds src/ps/kernels.wasm from kernels.wat and the element kernels in src/ps. The result is committed, and a test compares it with its sources. */
import { readFile } from 'node:fs/promises'
import wabtInit from 'wabt'
import { POLICIES } from '../src/ps/async/policies.ts'
import type { ElementKernel } from '../src/ps/kernel.ts'
import { MOVING_AVERAGE } from '../src/ps/moving-average.ts'
import { OPTIMIZERS } from '../src/ps/optimizers/optimizers.ts'
import { compileKernel } from './compile-kernel.ts'

const SOURCE = new URL('../src/ps/kernels.wat', import.meta.url)

export async function buildKernels(): Promise<Uint8Array> {
  const wabt = await wabtInit()
  const module = wabt.parseWat('kernels.wat', withKernels(await readFile(SOURCE, 'utf8')), { simd: true })
  module.validate()
  return module.toBinary({}).buffer
}

function withKernels(source: string): string {
  const kinds = [...Object.values(OPTIMIZERS), ...Object.values(POLICIES)]
  const kernels: ElementKernel[] = [MOVING_AVERAGE, ...kinds.flatMap(({ kernel }) => kernel ?? [])]
  return source.replace(/\)\s*$/, `${kernels.map(compileKernel).join('\n')}\n)\n`)
}
