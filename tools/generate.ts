/** Writes what is committed but made from source: the CRDs and the optimizer kernels. Tests hold each to its source. */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { dump } from 'js-yaml'
import { crdFor } from '../src/api/crd.ts'
import { JOB_KINDS, type JobKind, PLURALS } from '../src/contract/names.ts'
import { buildKernels } from './build-kernels.ts'

const HEADER = '# Made by `npm run generate` from src/api: change the types there, not this file.\n'
const FOLDER = new URL('../crds/', import.meta.url)
const KERNELS = new URL('../src/ps/kernels.wasm', import.meta.url)

export function crdFile(kind: JobKind): { url: URL; text: string } {
  const text = HEADER + dump(crdFor(kind), { noRefs: true, lineWidth: 120 })
  return { url: new URL(`${PLURALS[kind]}.yaml`, FOLDER), text }
}

async function generate(): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const files = JOB_KINDS.map(crdFile)
  const outputs = [
    ...files.map(({ url, text }) => ({ url, bytes: Buffer.from(text) })),
    { url: KERNELS, bytes: await buildKernels() },
  ]
  for (const { url, bytes } of outputs) {
    await writeFile(url, bytes)
    process.stdout.write(`${fileURLToPath(url)}: ${bytes.length} bytes\n`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generate()
