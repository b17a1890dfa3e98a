/**
 * `npm run bench:scores [-- --rounds N --seed N]`: COCO's 12 numbers from two JSON files, by `downpour evaluate` and by
 * pycocotools, whole processes in turn. Exits with 1 if the numbers differ or ours takes over half of pycocotools' time.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pythonWith } from '../../tools/python.ts'
import { machineText, median } from '../figures.ts'
import { makeFiles } from './make-files.ts'

const OUT = 'bench/results/scores.json'
const SIZES = { images: 5_000, objects: 36_000, detections: 500_000, categories: 80 }
const MAX_RATIO = 0.5
const TOLERANCE = 1e-9

interface Run {
  readonly numbers: Readonly<Record<string, number>>
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
}

/** @param numbersOf reads the 12 numbers from what the command prints */
function measure(
  python: string,
  command: readonly string[],
  numbersOf: (output: string) => Record<string, number>,
): Run {
  const printed = execFileSync(python, ['bench/scores/measure.py', ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = printed.trimEnd().lastIndexOf('\n')
  const { seconds, cpuSeconds, peakBytes } = JSON.parse(printed.slice(end))
  return { numbers: numbersOf(printed.slice(0, end)), seconds, cpuSeconds, peakMiB: peakBytes / 2 ** 20 }
}

async function inTurn(folder: string, rounds: number): Promise<{ ours: Run[]; theirs: Run[] }> {
  const python = await pythonWith('test/reference/requirements.txt')
  const [truth, results] = [join(folder, 'bench.truth.json'), join(folder, 'bench.results.json')]
  const files = ['--ground-truth', truth, '--predictions', results]
  const ours = [process.execPath, 'bin/downpour', 'evaluate', '--task', 'coco-detection', '--json', ...files]
  const theirs = [python, 'test/reference/coco.py', folder, 'bbox']
  const runs = { ours: [] as Run[], theirs: [] as Run[] }
  for (let round = 0; round < rounds; round++) {
    runs.ours.push(measure(python, ours, (output) => JSON.parse(output).summary))
    runs.theirs.push(measure(python, theirs, (output) => ({ ...JSON.parse(output).stats })))
  }
  return runs
}

function rowOf(name: string, runs: readonly Run[]) {
  const middle = (field: 'seconds' | 'cpuSeconds' | 'peakMiB') => median(runs.map((run) => run[field]))
  return {
    name,
    seconds: Number(middle('seconds').toFixed(2)),
    cpuSeconds: Number(middle('cpuSeconds').toFixed(2)),
    peakMiB: Math.round(middle('peakMiB')),
  }
}

function summaryOf({ ours, theirs }: { ours: readonly Run[]; theirs: readonly Run[] }) {
  const { numbers = {} } = ours[0] ?? {}
  const values = Object.values(numbers)
  const expected = Object.values(theirs[0]?.numbers ?? {})
  const rows = [rowOf('downpour', ours), rowOf('pycocotools', theirs)] as const
  return {
    rows,
    ratio: Number((rows[0].seconds / rows[1].seconds).toFixed(3)),
    cpuRatio: Number((rows[0].cpuSeconds / rows[1].cpuSeconds).toFixed(3)),
    largestDifference: Math.max(...expected.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN)))),
    numbers,
  }
}

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, seed: { type: 'string', default: '1' } },
})
const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-scores-'))
try {
  await makeFiles(SIZES, Number(flags.seed), {
    truth: join(folder, 'bench.truth.json'),
    results: join(folder, 'bench.results.json'),
  })
  const summary = summaryOf(await inTurn(folder, Number(flags.rounds)))
  console.table(summary.rows)
  console.log(`ratio of seconds ${summary.ratio}, of CPU seconds ${summary.cpuRatio} (limit ${MAX_RATIO})`)
  console.log(`the 12 numbers differ by at most ${summary.largestDifference}`)
  await mkdir('bench/results', { recursive: true })
  await writeFile(OUT, `${JSON.stringify({ machine: machineText(), ...SIZES, ...flags, ...summary }, null, 2)}\n`)
  process.exitCode = summary.ratio <= MAX_RATIO && summary.largestDifference <= TOLERANCE ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
}
