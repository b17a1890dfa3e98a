/** Writes the committed files that are generated: CRDs, kernels, measured costs, rules and dashboards, plain manifests, the help of `npm start`. Tests compare each with its source. */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { dump } from 'js-yaml'
import { crdFor } from '../src/api/crd.ts'
import { startHelp } from '../src/cli/verbs/run.ts'
import { VERBS } from '../src/cli/verbs.ts'
import { JOB_KINDS, type JobKind, PLURALS } from '../src/contract/names.ts'
import { buildEncodings, buildKernels, buildScan } from './build-kernels.ts'
import { findHelm } from './helm.ts'
import { measuredCosts } from './measured-costs.ts'
import { monitoringFiles } from './monitoring/outputs.ts'
import { plainManifests } from './plain-manifests.ts'
import { buildTensorKernels } from './tensor-kernels/build.ts'

const HEADER = '# Made by `npm run generate` from src/api: change the types there, not this file.\n'
const ROOT = new URL('../', import.meta.url)
const FOLDER = new URL('../crds/', import.meta.url)
/** Helm reads only files inside the chart, so the chart has copies of the CRDs. */
const CHART_COPIES = new URL('../charts/downpour/files/crds/', import.meta.url)
const MANIFESTS = new URL('../deploy/operator/', import.meta.url)
const START_HELP = new URL('start-help.txt', import.meta.url)
const KERNELS = new URL('../src/ps/kernels.wasm', import.meta.url)
const SCAN = new URL('../src/wire/scan.wasm', import.meta.url)
const SCAN_SHARED = new URL('../src/wire/scan-shared.wasm', import.meta.url)
const ENCODINGS = new URL('../src/wire/encodings.wasm', import.meta.url)
const ENCODINGS_SHARED = new URL('../src/wire/encodings-shared.wasm', import.meta.url)
const TENSOR_KERNELS = new URL('../src/tensor/wasm-kernels.wasm', import.meta.url)

export const MEASURED = new URL('../src/simulate/measured.json', import.meta.url)

export function crdFile(kind: JobKind): { url: URL; text: string } {
  const text = HEADER + dump(crdFor(kind), { noRefs: true, lineWidth: 120 })
  return { url: new URL(`${PLURALS[kind]}.yaml`, FOLDER), text }
}

async function generate(): Promise<void> {
  const help = { url: START_HELP, bytes: Buffer.from(startHelp(VERBS.run.description)) }
  for (const { url, bytes } of [
    ...crds(),
    ...monitoring(),
    ...manifests(),
    help,
    { url: MEASURED, bytes: Buffer.from(measuredCosts()) },
    { url: KERNELS, bytes: await buildKernels() },
    { url: SCAN, bytes: await buildScan({ isShared: false }) },
    { url: SCAN_SHARED, bytes: await buildScan({ isShared: true }) },
    { url: ENCODINGS, bytes: await buildEncodings({ isShared: false }) },
    { url: ENCODINGS_SHARED, bytes: await buildEncodings({ isShared: true }) },
    { url: TENSOR_KERNELS, bytes: await buildTensorKernels() },
  ]) {
    await mkdir(new URL('.', url), { recursive: true })
    await writeFile(url, bytes)
    process.stdout.write(`${fileURLToPath(url)}: ${bytes.length} bytes\n`)
  }
}

interface Output {
  url: URL
  bytes: Uint8Array
}

function crds(): Output[] {
  return JOB_KINDS.map(crdFile).flatMap(({ url, text }) => {
    const copy = new URL(url.pathname.split('/').at(-1) ?? '', CHART_COPIES)
    return [url, copy].map((target) => ({ url: target, bytes: Buffer.from(text) }))
  })
}

function monitoring(): Output[] {
  return [...monitoringFiles()].map(([path, text]) => ({ url: new URL(path, ROOT), bytes: Buffer.from(text) }))
}

function manifests(): Output[] {
  const helm = findHelm()
  if (helm === undefined) {
    process.stderr.write(
      'deploy/operator: not generated, because helm is missing (`npm run cluster -- up` builds it)\n',
    )
    return []
  }
  return [...plainManifests(helm)].map(([name, text]) => ({ url: new URL(name, MANIFESTS), bytes: Buffer.from(text) }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await generate()
