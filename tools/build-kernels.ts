/** Builds src/ps/kernels.wasm from kernels.wat; the result is committed, and a test holds it against the source. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import wabtInit from 'wabt'

const source = new URL('../src/ps/kernels.wat', import.meta.url)
const target = new URL('../src/ps/kernels.wasm', import.meta.url)

export async function buildKernels(): Promise<Uint8Array> {
  const wabt = await wabtInit()
  const module = wabt.parseWat('kernels.wat', await readFile(source, 'utf8'), { simd: true })
  module.validate()
  return module.toBinary({}).buffer
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await buildKernels()
  await writeFile(target, bytes)
  process.stdout.write(`src/ps/kernels.wasm: ${bytes.length} bytes\n`)
}
