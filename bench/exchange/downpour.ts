import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeClasses } from '../../src/contract/classes.ts'
import type { PushResult } from '../../src/contract/exchange.ts'
import type { Compression } from '../../src/contract/training.ts'
import { silentLog } from '../../src/support/log.ts'
import { makeLayout } from '../../src/wire/layout.ts'
import { connectShards, type PushRequest, type ShardClient } from '../../src/worker/client.ts'
import { median } from '../figures.ts'
import type { Contender } from './contender.ts'
import { config, variables } from './model.ts'
import { cpuMsOf, end, startServer } from './processes.ts'

export interface ServerUse {
  cpuMs: number
  rssBytes: number
}

export interface Downpour {
  readonly client: ShardClient
  readonly child: ChildProcess
  /** @param base the weights that the push claims to be computed on. @throws unless the push is `result` */
  push(base: PushRequest['base'], result: PushResult): Promise<void>
  /** A pull, then a push that is applied. */
  exchange(): Promise<void>
  serverUse(): Promise<ServerUse>
  close(): Promise<void>
}

/** A parameter server, and a client of it in this process, whose gradients are where a worker writes them. */
export async function startDownpour(compression: Compression = 'none'): Promise<Downpour> {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-exchange-'))
  const { child, port } = await startServer('downpour-server.ts', [folder, compression])
  const client = await connectShards({
    hosts: [`127.0.0.1:${port}`],
    port: 0,
    identity: { index: 0, podUid: 'worker-0', attempt: 0 },
    jobUid: config.job.uid,
    layout: makeLayout(variables),
    compression,
    dataUnits: 1,
    classes: encodeClasses([]),
    signal: new AbortController().signal,
    log: silentLog,
  })
  const gradients = client.outgoing
  for (const gradient of gradients.values()) gradient.set(gradient.map((_, i) => Math.sin(i) / 100))
  const push: Downpour['push'] = async (base, expected) => {
    const { result } = await client.push({ gradients, statistics: gradients, batches: 1, loss: 1, examples: 1, base })
    if (result !== expected) throw new Error(`a push was ${result}, expected ${expected}`)
  }
  return {
    client,
    child,
    push,
    async exchange() {
      await client.pull()
      await push(client.base, 'applied')
    },
    async serverUse() {
      const answer = once(child, 'message')
      child.send('use')
      return (await answer)[0] as ServerUse
    },
    async close() {
      await client.close()
      await end(child)
      await rm(folder, { recursive: true })
    },
  }
}

/** Base weights that no server has: the push is received and verified, and then not applied. */
const OTHER_BASE = [{ incarnation: 0, version: 0 }]

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

async function medianOf(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < count; i++) times.push(await timed(work))
  return median(times)
}

/** Downpour's own client and server. */
export async function startDownpourContender(): Promise<Contender> {
  const { client, child, push, serverUse, close } = await startDownpour()
  const applied = () => push(client.base, 'applied')
  return {
    name: 'Downpour',
    async run(count) {
      const both = () => cpuMsOf(process.pid) + cpuMsOf(child.pid as number)
      const [before, server] = [both(), await serverUse()]
      const times: { pull: number; push: number }[] = []
      for (let i = 0; i < count; i++) times.push({ pull: await timed(() => client.pull()), push: await timed(applied) })
      const [cpuMs, serverMs] = [both() - before, (await serverUse()).cpuMs - server.cpuMs]
      return {
        pull: median(times.map(({ pull }) => pull)),
        push: median(times.map((one) => one.push)),
        exchange: median(times.map((one) => one.pull + one.push)),
        together: await medianOf(count, () => Promise.all([client.pull(), applied()])),
        'push, verified': await medianOf(count, () => push(OTHER_BASE, 'incarnation')),
        cpu: cpuMs / count,
        'cpu of the server': serverMs / count,
      }
    },
    close,
  }
}
