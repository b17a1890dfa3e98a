/** Helpers for tests of parameter servers with a small model of four variables. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { PushReply, ShardClient } from '../../../src/worker/client.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { type Fleet, type FleetOptions, startFleet } from './harness.ts'
import { layout } from './layout.ts'

export { layout }

const config = makeConfig({ optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1e-10 } })

/** Makes fleets and folders, and removes them after each test of the calling suite. */
export function forEachTest() {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })
  return {
    async fleetOf(shards: number, more: Partial<RuntimeConfig> = {}, options: Partial<FleetOptions> = {}) {
      const fleet = await startFleet({ ...config, ...more }, { shards, ...options })
      closers.push(() => fleet.close())
      return fleet
    },
    async volume(): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'downpour-volume-'))
      closers.push(() => rm(folder, { recursive: true, force: true }))
      return folder
    },
    later: (close: () => Promise<unknown>) => void closers.push(close),
  }
}

export async function latestStep(folder: string): Promise<number | undefined> {
  return (await findLatest(join(folder, 'tiny'))).latest?.manifest.step
}

export async function train(client: ShardClient, steps: number, model = layout): Promise<string> {
  let result = 'none'
  for (let i = 0; i < steps; i++) {
    await client.pull()
    result = (await pushOnes(client, client.base, model)).result
  }
  return result
}

/** @param base the weights on which the push claims to be computed */
export function pushOnes(client: ShardClient, base = client.base, model = layout): Promise<PushReply> {
  const gradients = model.variables.map(({ name, shape }) => [name, new Float32Array(shape[0] ?? 0).fill(1)] as const)
  return client.push({ gradients: new Map(gradients), statistics: new Map(), batches: 1, loss: 1, examples: 1, base })
}

export async function weightsOf(client: ShardClient): Promise<Record<string, readonly number[]>> {
  const { weights } = await client.pull()
  return Object.fromEntries([...weights].map(([name, values]) => [name, [...values]] as const).sort())
}

/** Stops all servers at once, as SIGTERM does when a job is suspended. */
export async function suspend(fleet: Fleet): Promise<void> {
  const startedMs = performance.now()
  await Promise.all(fleet.servers.map((server) => server.suspend(60_000)))
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs < 30_000, `${tookMs} ms: a shard waited although the coordinator had hung up`)
}

/** Ends a server as src/ps/main.ts does. */
export function endOf(fleet: Fleet) {
  return Promise.all(
    fleet.servers.map(async (server) => {
      const ended = await server.ended
      await server.close()
      return ended
    }),
  )
}

export async function checkpointOf(folder: string): Promise<unknown> {
  const { latest } = await findLatest(join(folder, 'tiny'))
  const { variables, slots } = await loadCheckpoint(latest?.folder ?? '', { slots: true })
  const plain = (map: Map<string, { data: Float32Array }>) =>
    [...map].map(([name, { data }]) => [name, [...data]]).sort()
  return { step: latest?.manifest.step, variables: plain(variables), slots: [...slots].map(([k, v]) => [k, plain(v)]) }
}

/** Removes the newest checkpoint, so that the next fleet starts from the previous one. */
export async function rewind(folder: string): Promise<void> {
  const { latest } = await findLatest(join(folder, 'tiny'))
  await rm(latest?.folder ?? '', { recursive: true })
}
