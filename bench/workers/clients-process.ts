/**
 * `node clients-process.ts FIRST COUNT HOST...`: workers that pull, wait instead of computing, and push, with the client of
 * src/worker. It sends `ready` to its parent, and does what its parent asks for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeClasses } from '../../src/contract/classes.ts'
import { drawSeconds } from '../../src/simulate/draw-seconds.ts'
import { silentLog } from '../../src/support/log.ts'
import { createRandom, seedOf } from '../../src/support/random.ts'
import { sizeOf } from '../../src/support/variables.ts'
import { connectShards, type ShardClient } from '../../src/worker/client.ts'
import { COMPUTE, jobConfig, LAYOUT } from './job.ts'

export type Request =
  /** So many exchanges of each worker, one after another and without a wait. */
  | { readonly type: 'exchange'; readonly times: number }
  /** From now on, trains and measures. */
  | { readonly type: 'train' }
  /** Answers, and forgets what was measured. */
  | { readonly type: 'report' }

export interface ClientsReport {
  /** Of the steps that ended: pull, wait and push. */
  readonly stepSeconds: readonly number[]
  readonly pushSeconds: readonly number[]
  readonly staleness: readonly number[]
  /** What a timer made of the times that were drawn. */
  readonly waitedSeconds: readonly number[]
  readonly cpuSeconds: number
}

const CLASSES = encodeClasses([
  { id: 0, name: 'ant', parents: [] },
  { id: 1, name: 'bee', parents: [] },
])
const [first = '', count = '', ...hosts] = process.argv.slice(2)
const random = createRandom(seedOf('workers', first))
/** The client copies them into the body of each push. */
const gradients = new Map(
  LAYOUT.variables.map(({ name, shape }) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, () => 1e-3 * random.normal()),
  ]),
)
const nothing = () => ({
  stepSeconds: [] as number[],
  pushSeconds: [] as number[],
  staleness: [] as number[],
  waitedSeconds: [] as number[],
})
let measured = nothing()
let cpuBefore = process.cpuUsage()

function connect(index: number): Promise<ShardClient> {
  return connectShards({
    hosts,
    port: 0,
    identity: { index, podUid: `worker-${index}`, attempt: 0 },
    jobUid: jobConfig(hosts).job.uid,
    layout: LAYOUT,
    dataUnits: 1,
    classes: CLASSES,
    signal: new AbortController().signal,
    log: silentLog,
  })
}

async function step(client: ShardClient, compute: () => Promise<unknown>): Promise<void> {
  const pulled = await secondsOf(client.pull())
  const { base } = client
  const waited = await secondsOf(compute())
  const pushing = client.push({ gradients, statistics: new Map(), batches: 1, loss: 1, examples: 1, base })
  const pushSeconds = await secondsOf(pushing)
  const { result, step } = await pushing
  if (result !== 'applied') throw new Error(`a push was not applied: ${result}`)
  measured.stepSeconds.push(pulled + waited + pushSeconds)
  measured.waitedSeconds.push(waited)
  measured.pushSeconds.push(pushSeconds)
  measured.staleness.push(step - 1 - (base[0]?.version ?? 0))
}

async function secondsOf(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work
  return (performance.now() - startedMs) / 1000
}

async function train(client: ShardClient): Promise<void> {
  // As in the simulation, workers do not start together.
  await sleep(1000 * COMPUTE.mean * random.next())
  for (;;) await step(client, () => sleep(1000 * drawSeconds(COMPUTE, random)))
}

function report(): ClientsReport {
  const { user, system } = process.cpuUsage(cpuBefore)
  const answer = { ...measured, cpuSeconds: (user + system) / 1e6 }
  measured = nothing()
  cpuBefore = process.cpuUsage()
  return answer
}

async function answer(request: Request): Promise<unknown> {
  switch (request.type) {
    case 'exchange':
      for (let i = 0; i < request.times; i++) for (const client of clients) await step(client, async () => {})
      return 'done'
    case 'train':
      for (const client of clients) void train(client)
      return 'begun'
    case 'report':
      return report()
  }
}

process.on('message', async (request: Request) => process.send?.(await answer(request)))
process.on('disconnect', () => process.exit())
const clients = await Promise.all(Array.from({ length: Number(count) }, (_, i) => connect(Number(first) + i)))
process.send?.('ready')
