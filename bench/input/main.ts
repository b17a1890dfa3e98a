/**
 * `npm run bench:input`: how fast pictures become batches. Contenders take turns, each in a process of its own, so that a
 * change in the machine's speed affects all of them alike. Exits with 1 if a promise is not kept.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DECODERS_PER_CPU } from '../../src/contract/runtime.ts'
import { pythonWith } from '../../tools/python.ts'
import { machineText, median } from '../figures.ts'
import type { Run } from './run.ts'
import { SHARD_IMAGES, SHARDS, writeShards } from './shards.ts'

const OUT = 'bench/results/input.json'
/** Of the contenders, but for one; a quiet machine has them for itself. */
const CPUS = 2
/** So many that the start counts little. */
const BATCHES = 100
const EPOCHS = 3
const NO_LIMIT = 1e6
/** A training step that takes longer than decoding: it must never wait once the first batch is there. */
const LONG_STEP = { batches: 28, ms: 250 }
/** The least that each ratio may be. */
const PROMISES = { 'loader / sharp, CPU': 0.85, 'two CPUs / one, wall': 1.8, 'beside compute / slower, wall': 0.9 }

type Name = 'sharp' | 'oneCpu' | 'twoCpus' | 'endless' | 'besideCompute' | 'longSteps' | 'tfData'
type Round = Record<Name, Run>

/** Runs a program on the first CPUs alone, as in a pod that has so many. */
function jsonOf(cpus: number, program: string, args: readonly (string | number)[]): Run {
  // As src/cli/main.ts sets it.
  const threads = { UV_THREADPOOL_SIZE: String(DECODERS_PER_CPU * cpus + 2) }
  const environment = { ...process.env, ...threads, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '-1' }
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const command = ['--cpu-list', `0-${cpus - 1}`, program, ...args.map(String)]
  return JSON.parse(execFileSync('taskset', command, { encoding: 'utf8', env: environment, stdio: [...stdio] }))
}

function measureAll(folder: string, python: string): Round {
  const loader = (cpus: number, epochs: number, batches: number, computeMs: number) =>
    jsonOf(cpus, process.execPath, ['bench/input/one-loader.ts', folder, epochs, batches, computeMs])
  const endless = loader(CPUS, NO_LIMIT, BATCHES, 0)
  return {
    sharp: jsonOf(CPUS, process.execPath, ['bench/input/one-sharp.ts', folder, SHARDS * SHARD_IMAGES]),
    oneCpu: loader(1, EPOCHS, NO_LIMIT, 0),
    twoCpus: loader(CPUS, EPOCHS, NO_LIMIT, 0),
    endless,
    besideCompute: loader(CPUS, NO_LIMIT, BATCHES, (endless.seconds * 1000) / BATCHES),
    longSteps: loader(CPUS, NO_LIMIT, LONG_STEP.batches, LONG_STEP.ms),
    tfData: jsonOf(CPUS, python, ['bench/input/tf_data.py', folder, CPUS, BATCHES]),
  }
}

const perCpuSecond = ({ decoded, images, cpuSeconds }: Run) => (decoded ?? images) / cpuSeconds

function ratiosOf({ sharp, oneCpu, twoCpus, endless, besideCompute }: Round): Record<keyof typeof PROMISES, number> {
  return {
    'loader / sharp, CPU': perCpuSecond(twoCpus) / perCpuSecond(sharp),
    'two CPUs / one, wall': oneCpu.seconds / twoCpus.seconds,
    'beside compute / slower, wall': endless.seconds / besideCompute.seconds,
  }
}

function rowOf(name: Name, rounds: readonly Round[]) {
  const middle = (value: (run: Run) => number | undefined, digits: number) =>
    Number(median(rounds.map((round) => value(round[name]) ?? Number.NaN)).toFixed(digits))
  return {
    name,
    imagesPerCpuSecond: middle(perCpuSecond, 0),
    imagesPerSecond: middle(({ images, seconds }) => images / seconds, 0),
    firstBatchSeconds: middle(({ firstBatchSeconds }) => firstBatchSeconds, 2),
    longestWaitSeconds: middle(({ longestWaitSeconds }) => longestWaitSeconds, 3),
    waiting: middle(({ waiting }) => waiting, 3),
  }
}

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seed: { type: 'string', default: '1' } },
})
const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-input-'))
try {
  const pictureBytes = Math.round(await writeShards(folder, Number(flags.seed)))
  const python = await pythonWith('bench/tensorflow-requirements.txt')
  const rounds = Array.from({ length: Number(flags.rounds) }, () => measureAll(folder, python))
  const rows = (Object.keys(rounds[0] ?? {}) as Name[]).map((name) => rowOf(name, rounds))
  console.table(rows)
  const ratios = rounds.map(ratiosOf)
  const promises = Object.entries(PROMISES).map(([name, least]) => {
    const values = ratios.map((one) => Number(one[name as keyof typeof PROMISES].toFixed(3)))
    return { name, median: median(values), least, values: values.join(' ') }
  })
  console.table(promises)
  await mkdir('bench/results', { recursive: true })
  await writeFile(
    OUT,
    `${JSON.stringify({ machine: machineText(), pictureBytes, ...flags, rows, promises }, null, 2)}\n`,
  )
  process.exitCode = promises.every((one) => one.median >= one.least) ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
}
