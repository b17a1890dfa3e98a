/** Builds src/tensor/kernels.wasm. The result is committed, and a test compares it with its sources. */
import wabtInit from 'wabt'
import { channelFunctions } from './channels.ts'
import { elementFunctions } from './elements.ts'
import { matrixFunctions } from './matrix.ts'
import { poolFunctions } from './pool.ts'

export async function buildTensorKernels(): Promise<Uint8Array> {
  const wabt = await wabtInit()
  const functions = [matrixFunctions(), channelFunctions(), elementFunctions(), poolFunctions()].join('\n')
  const text = `(module (import "env" "memory" (memory 1))\n${functions})`
  const module = wabt.parseWat('kernels.wat', text, { simd: true, relaxed_simd: true, bulk_memory: true })
  module.validate()
  return module.toBinary({}).buffer
}
