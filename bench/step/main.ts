/**
 * `npm run bench:step [-- BACKEND...]`: seconds of a training step on each backend, and the ratio to the first. Backends
 * take turns in processes of their own, so that a change in the machine's speed affects all of them alike.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { machineText, median } from '../figures.ts'

const ROUNDS = 3
const OUT = 'bench/results/step.json'
const CASES = [
  { backbone: 'resnet-mini', batch: 16, pixels: 32, steps: 60 },
  { backbone: 'resnet50', batch: 4, pixels: 96, steps: 9 },
] as const

function secondsOfStep(backend: string, { backbone, batch, pixels, steps }: (typeof CASES)[number]): number {
  const args = [backend, backbone, ...[batch, pixels, steps].map(String)]
  const output = execFileSync(process.execPath, ['bench/step/one-backend.ts', ...args], {
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  })
  return Number(output)
}

function rounded(value = Number.NaN): number {
  return Number(value.toFixed(4))
}

function compare(backends: readonly string[], one: (typeof CASES)[number]) {
  const rounds = Array.from({ length: ROUNDS }, () => backends.map((backend) => secondsOfStep(backend, one)))
  const ratios = backends.map((_, i) => median(rounds.map((round) => (round[i] as number) / (round[0] as number))))
  const seconds = backends.map((_, i) => median(rounds.map((round) => round[i] as number)))
  return backends.map((backend, i) => ({
    backbone: `${one.backbone}, ${one.batch} images of ${one.pixels} pixels`,
    backend,
    seconds: rounded(seconds[i]),
    [`ratio to ${backends[0]}`]: rounded(ratios[i]),
  }))
}

const named = process.argv.slice(2)
const backends = named.length > 0 ? named : ['wasm', 'tensorflow']
const rows = CASES.flatMap((one) => compare(backends, one))
console.table(rows)
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), rounds: ROUNDS, rows }, null, 2)}\n`)
