/**
 * `npm run bench:compression [-- --rounds N]`: bytes, CPU time and milliseconds of a push of 20 million gradients over the
 * loopback interface, with each `async.compression` in turn. It promises nothing: what pays depends on the network.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { Compression } from '../../src/contract/training.ts'
import { pushBytes } from '../../src/wire/encodings.ts'
import { type Downpour, startDownpour } from '../exchange/downpour.ts'
import { ELEMENTS_EACH, VARIABLES } from '../exchange/model.ts'
import { machineText, median } from '../figures.ts'

const OUT = 'bench/results/compression.json'
const PUSHES_IN_TURN = 3
const LENGTHS = { trainable: VARIABLES * ELEMENTS_EACH, statistic: 0 }

interface Figures {
  workerCpuMs: number
  serverCpuMs: number
  ms: number
}

/** Of one push, on average over a turn. The pull before it is the same with each compression and is not counted. */
async function turn({ client, push, serverUse }: Downpour): Promise<Figures> {
  await client.pull()
  const [startedMs, worker, server] = [performance.now(), process.cpuUsage(), await serverUse()]
  for (let i = 0; i < PUSHES_IN_TURN; i++) await push(client.base, 'applied')
  const [ms, { user, system }] = [performance.now() - startedMs, process.cpuUsage(worker)]
  const serverCpuMs = (await serverUse()).cpuMs - server.cpuMs
  return {
    workerCpuMs: (user + system) / 1000 / PUSHES_IN_TURN,
    serverCpuMs: serverCpuMs / PUSHES_IN_TURN,
    ms: ms / PUSHES_IN_TURN,
  }
}

function rowOf(compression: Compression, turns: readonly Figures[]) {
  const of = (figure: keyof Figures) => Number(median(turns.map((one) => one[figure])).toFixed(1))
  return {
    compression,
    'MB of a push': pushBytes(LENGTHS, compression) / 1e6,
    'CPU of the worker, ms': of('workerCpuMs'),
    'CPU of the server, ms': of('serverCpuMs'),
    'until applied, ms': of('ms'),
  }
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const pairs = await Promise.all(
  Compression.options.map(async (compression) => ({ compression, downpour: await startDownpour(compression) })),
)
for (const { downpour } of pairs) await turn(downpour)
const turns = new Map<Compression, Figures[]>(Compression.options.map((compression) => [compression, []]))
for (let round = 0; round < Number(values.rounds); round++)
  for (const { compression, downpour } of pairs) turns.get(compression)?.push(await turn(downpour))
await Promise.all(pairs.map(({ downpour }) => downpour.close()))

const table = [...turns].map(([compression, figures]) => rowOf(compression, figures))
console.table(table)
await mkdir('bench/results', { recursive: true })
await writeFile(OUT, `${JSON.stringify({ machine: machineText(), ...values, table }, null, 2)}\n`)
