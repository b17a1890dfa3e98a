/**
 * `npm run bench:overlap [-- --rounds N --steps N --batch N]`: what share of a training step is not compute, for one worker
 * with native TensorFlow and one parameter server in another process, with and without `async.prefetch`. The contenders
 * take turns. Fails if the promise is broken.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { wholeNumber } from '../../src/cli/flag-values.ts'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { silentLog } from '../../src/support/log.ts'
import { selectBackend } from '../../src/tensor/backend.ts'
import { machineText, median } from '../figures.ts'
import { CASES, type Case } from '../step/cases.ts'
import { startWorker, type Times } from './runs.ts'

const OUT = 'bench/results/overlap.json'
const MOST_WITHOUT_COMPUTE = 0.1

interface Options {
  rounds: number
  steps: number
  batch: number
}

const CONTENDERS = ['alone', 'off', 'on'] as const
type Contender = (typeof CONTENDERS)[number]
type Round = Readonly<Record<Contender, Times>>
const TITLES: Readonly<Record<Contender, string>> = {
  alone: 'no exchange',
  off: 'prefetch: false',
  on: 'prefetch: true',
}

async function measure(one: Case, { rounds, steps }: Options): Promise<Round[]> {
  await selectBackend('tensorflow', silentLog, cacheRoot(process.env))
  const worker = await startWorker(one)
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const [alone, off, on] = [
      await worker.compute(steps),
      await worker.train(false, steps),
      await worker.train(true, steps),
    ]
    measured.push({ alone, off, on })
    process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  }
  await worker.close()
  return measured
}

/** Medians over rounds, because two contenders are comparable within a round. */
function rowsOf(rounds: readonly Round[]) {
  return CONTENDERS.map((contender) => {
    const middle = (figure: (own: Times, round: Round) => number) =>
      Number(median(rounds.map((round) => figure(round[contender], round))).toPrecision(3))
    return {
      contender: TITLES[contender],
      'seconds a step': middle(({ stepSeconds }) => stepSeconds),
      'of them compute': middle(({ computeSeconds }) => computeSeconds),
      'not compute': middle(({ stepSeconds, computeSeconds }) => 1 - computeSeconds / stepSeconds),
      'speed of no exchange': middle(({ stepSeconds }, { alone }) => alone.stepSeconds / stepSeconds),
    }
  })
}

async function main(options: Options): Promise<void> {
  const one: Case = { ...(CASES.find(({ name }) => name === 'resnet50') as Case), batch: options.batch }
  const rows = rowsOf(await measure(one, options))
  const share = rows.at(-1)?.['not compute'] ?? 1
  const kept = share <= MOST_WITHOUT_COMPUTE
  const promises = [
    { promise: 'share of a step with prefetch that is not compute', share, most: MOST_WITHOUT_COMPUTE, kept },
  ]
  console.log(`resnet50, ${one.batch} images of ${one.pixels} pixels`)
  console.table(rows)
  console.table(promises)
  await mkdir('bench/results', { recursive: true })
  await writeFile(OUT, `${JSON.stringify({ machine: machineText(), ...options, rows, promises }, null, 2)}\n`)
  process.exit(kept ? 0 : 1)
}

const program = new Command('bench:overlap')
  .addOption(new Option('--rounds <n>').argParser(wholeNumber).default(5))
  .addOption(new Option('--steps <n>', 'measured ones of a run').argParser(wholeNumber).default(5))
  .addOption(new Option('--batch <n>', 'images of a step').argParser(wholeNumber).default(8))
await main(program.parse().opts<Options>())
