/**
 * `npm run bench:transfer [-- SEED...]`: the gain of pre-training. Runs the demonstration with each seed and compares
 * top-1 of the pre-trained FinetuneJob with that of the one from random weights, at equal steps. Takes about 3 minutes a
 * seed on 2 cores; exits with 1 if the mean gain is below MIN_POINTS.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Job } from '../src/api/job.ts'
import { machineText } from './figures.ts'

const DEFAULT_SEEDS = ['1', '2', '3']
const OUT = 'bench/results/transfer.json'
const MIN_POINTS = 10

/** Of one seed. Scores are shares; `points` is their difference in percentage points. */
interface Outcome {
  seed: number
  seconds: number
  pretrainLoss: number
  pretrained: number
  random: number
  points: number
}

async function runSeed(seed: number): Promise<Outcome> {
  const stateDir = `.downpour/bench-transfer/${seed}`
  const started = performance.now()
  const child = spawn(
    process.execPath,
    ['bin/downpour', 'run', '--fresh', '--seed', String(seed), '--state-dir', stateDir],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`seed ${seed}: downpour run ended with ${code}`)
  const jobs = JSON.parse(await readFile(`${stateDir}/results.json`, 'utf8')) as Job[]
  const scoreOf = (init: string) => {
    const job = jobs.find(({ kind, spec }) => kind === 'FinetuneJob' && 'init' in spec && spec.init === init)
    return job?.status?.results?.metrics.top1 ?? Number.NaN
  }
  const [pretrained, random] = [scoreOf('pretrained'), scoreOf('random')]
  const pretrainLoss = jobs.find((job) => job.kind === 'PretrainJob')?.status?.progress?.loss ?? Number.NaN
  return {
    seed,
    seconds: (performance.now() - started) / 1000,
    pretrainLoss,
    pretrained,
    random,
    points: (pretrained - random) * 100,
  }
}

const seeds = (process.argv.length > 2 ? process.argv.slice(2) : DEFAULT_SEEDS).map(Number)
const outcomes: Outcome[] = []
for (const seed of seeds) outcomes.push(await runSeed(seed))
const mean = outcomes.reduce((sum, one) => sum + one.points, 0) / outcomes.length

console.table(outcomes)
console.log(`mean gain of pre-training: ${mean.toFixed(1)} points top-1 over ${outcomes.length} seeds`)
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), outcomes, meanPoints: mean }, null, 2)}\n`)
process.exitCode = mean >= MIN_POINTS ? 0 : 1
