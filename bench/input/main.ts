/**
 * `npm run bench:input`: how fast pictures become batches. Contenders take turns, each in a process of its own, so that a
 * change in the machine's speed affects all of them alike. Exits with 1 if a promise is not kept.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pythonWith } from '../../tools/python.ts'
import { machineText, median } from '../figures.ts'
import type { Run } from './run.ts'
import { SHARD_IMAGES, SHARDS, writeShards } from './shards.ts'

const OUT = 'bench/results/input.json'
/** Pictures that the loader and tf.data decode at once. */
const DECODERS = 2
const BATCHES = 40
const NO_LIMIT = 1e6
/** A training step that takes longer than decoding: it must never wait once the first batch is there. */
const LONG_STEP = { batches: 28, ms: 250 }
/** The least that each ratio may be. */
const PROMISES = { 'loader / sharp, CPU': 0.85, 'two decoders / one, wall': 1.8, 'beside compute / slower, wall': 0.9 }

type Name = 'sharp' | 'oneDecoder' | 'twoDecoders' | 'endless' | 'besideCompute' | 'longSteps' | 'tfData'
type Round = Record<Name, Run>

function jsonOf(program: string, args: readonly (string | number)[]): Run {
  const environment = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '-1' }
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  return JSON.parse(execFileSync(program, args.map(String), { encoding: 'utf8', env: environment, stdio: [...stdio] }))
}

function measureAll(folder: string, python: string): Round {
  const loader = (decoders: number, epochs: number, batches: number, computeMs: number) =>
    jsonOf(process.execPath, ['bench/input/one-loader.ts', folder, decoders, epochs, batches, computeMs])
  const endless = loader(DECODERS, NO_LIMIT, BATCHES, 0)
  return {
    sharp: jsonOf(process.execPath, ['bench/input/one-sharp.ts', folder, SHARDS * SHARD_IMAGES]),
    oneDecoder: loader(1, 1, NO_LIMIT, 0),
    twoDecoders: loader(DECODERS, 1, NO_LIMIT, 0),
    endless,
    besideCompute: loader(DECODERS, NO_LIMIT, BATCHES, (endless.seconds * 1000) / BATCHES),
    longSteps: loader(DECODERS, NO_LIMIT, LONG_STEP.batches, LONG_STEP.ms),
    tfData: jsonOf(python, ['bench/input/tf_data.py', folder, DECODERS, BATCHES]),
  }
}

const perCpuSecond = ({ decoded, images, cpuSeconds }: Run) => (decoded ?? images) / cpuSeconds

function ratiosOf({
  sharp,
  oneDecoder,
  twoDecoders,
  endless,
  besideCompute,
}: Round): Record<keyof typeof PROMISES, number> {
  return {
    'loader / sharp, CPU': perCpuSecond(twoDecoders) / perCpuSecond(sharp),
    'two decoders / one, wall': oneDecoder.seconds / twoDecoders.seconds,
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
