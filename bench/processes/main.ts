/**
 * `npm run bench:processes [-- --rounds N]`: what an update costs a worker with several processes (`workers.perPod`): new
 * weights for each, and the sum of their gradients, through the memory that they share, and through sockets instead. The
 * processes compute nothing. The contenders take turns. Fails if the promise is broken.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { wholeNumber } from '../../src/cli/flag-values.ts'
import { machineText, median } from '../figures.ts'
import { type Pod, sharedMemory, sockets } from './contenders.ts'
import { VALUES } from './model.ts'

const OUT = 'bench/results/processes.json'
const CONTENDERS = { 'shared memory': sharedMemory, sockets } as const
const PROCESSES = [2, 4, 8] as const
/** Eight processes cost the worker at most so many times as much as two. */
const MOST_GROWTH = 1.5
const WARM_UP = 2
const MS = 1000

interface Cost {
  cpuMs: number
  wallMs: number
}

async function costOf(pod: Pod, processes: number): Promise<Cost> {
  const before = process.cpuUsage()
  const startedMs = performance.now()
  const sums = await pod.update()
  const { user, system } = process.cpuUsage(before)
  if (sums[0] !== 0.5 * processes) throw new RangeError(`the sum is ${sums[0]}, expected ${0.5 * processes}`)
  return { cpuMs: (user + system) / MS, wallMs: performance.now() - startedMs }
}

async function rowOf(contender: keyof typeof CONTENDERS, processes: number, rounds: number) {
  const pod = await CONTENDERS[contender](processes)
  try {
    for (let i = 0; i < WARM_UP; i++) await pod.update()
    const costs: Cost[] = []
    while (costs.length < rounds) costs.push(await costOf(pod, processes))
    const middle = (of: (cost: Cost) => number) => Number(median(costs.map(of)).toPrecision(3))
    return {
      ...{ contender, processes },
      'CPU ms of the worker': middle(({ cpuMs }) => cpuMs),
      'ms of an update': middle(({ wallMs }) => wallMs),
    }
  } finally {
    await pod.close()
  }
}

async function main({ rounds }: { rounds: number }): Promise<void> {
  const rows: Awaited<ReturnType<typeof rowOf>>[] = []
  for (const processes of PROCESSES)
    for (const contender of Object.keys(CONTENDERS) as (keyof typeof CONTENDERS)[])
      rows.push(await rowOf(contender, processes, rounds))
  const shared = rows.filter(({ contender }) => contender === 'shared memory')
  const growth = (shared.at(-1)?.['CPU ms of the worker'] ?? 0) / (shared[0]?.['CPU ms of the worker'] ?? 0)
  const promises = [
    {
      promise: 'CPU time with 8 processes, in multiples of that with 2',
      growth,
      most: MOST_GROWTH,
      kept: growth <= MOST_GROWTH,
    },
  ]
  console.log(`${VALUES / 1e6} million values`)
  console.table(rows)
  console.table(promises)
  await mkdir('bench/results', { recursive: true })
  await writeFile(
    OUT,
    `${JSON.stringify({ machine: machineText(), values: VALUES, rounds, rows, promises }, null, 2)}\n`,
  )
  process.exit(promises.every(({ kept }) => kept) ? 0 : 1)
}

const program = new Command('bench:processes').addOption(new Option('--rounds <n>').argParser(wholeNumber).default(15))
await main(program.parse().opts<{ rounds: number }>())
