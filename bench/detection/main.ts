/**
 * `npm run bench:detection`: seconds and memory of a training step of Faster R-CNN: in full size (resnet101, one picture of
 * 600 × 1024) on native TensorFlow, and mini (resnet-mini, four pictures of 64 × 64) on WASM and on TensorFlow.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Backend } from '../../src/tensor/backend.ts'
import { machineText } from '../figures.ts'
import { CASES, type CaseName, type Figures } from './cases.ts'

const OUT = 'bench/results/detection.json'
const RUNS: readonly (readonly [CaseName, Backend])[] = [
  ['mini', 'wasm'],
  ['mini', 'tensorflow'],
  ['full', 'tensorflow'],
]

function measure([name, backend]: readonly [CaseName, Backend]) {
  const output = execFileSync(process.execPath, ['bench/detection/one-case.ts', name, backend], {
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  })
  const { anchors, proposals, seconds, cpuSeconds, peakGiB, loss } = JSON.parse(output) as Figures
  const { backbone, images, height, width } = CASES[name]
  const row = {
    network: `${name}: ${backbone}, ${images} × ${height} × ${width}`,
    backend,
    anchors,
    proposals,
    'seconds a step': Number(seconds.toFixed(3)),
    'CPU seconds': Number(cpuSeconds.toFixed(3)),
    'peak GiB': Number(peakGiB.toFixed(2)),
    loss: Number(loss.toFixed(3)),
  }
  console.log(`${row.network} on ${backend}: ${row['seconds a step']} s a step`)
  return row
}

const rows = RUNS.map(measure)
console.table(rows)
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), rows }, null, 2)}\n`)
