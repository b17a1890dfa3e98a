/** Policies that make workers wait for each other, over real connections to two parameter servers. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { AsyncPolicy } from '../../../src/contract/training.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { eventually } from '../../support/eventually.ts'
import { endOf, forEachTest, layout, pushOnes } from './small-fleet.ts'

const WORKERS = [0, 1, 2]
const PATIENT = { timeoutMs: 30_000 }

function job(policy: AsyncPolicy, maxSteps: number): Partial<RuntimeConfig> {
  return {
    maxSteps,
    async: { fetchEvery: 1, pushEvery: 1, policy, warmStartSteps: 0 },
    optimizer: { type: 'momentum', momentum: 0 },
    topology: { parameterServers: 2, workers: WORKERS.length, psHosts: ['replaced'] },
  }
}

async function trainToTheEnd(client: ShardClient): Promise<void> {
  while (!client.done) {
    await client.pull()
    if (!client.done) await pushOnes(client)
  }
}

describe('workers that wait for each other', { concurrency: false }, () => {
  const { fleetOf } = forEachTest()

  test('boundedDelay: fast workers wait for one that has stopped, and go on when it has left', async () => {
    const fleet = await fleetOf(2, job({ type: 'boundedDelay', maxDelay: 1 }, 30))
    const [stopped, ...fast] = await Promise.all(WORKERS.map((index) => fleet.connect(index, layout)))
    await Promise.all([stopped, ...fast].map((client) => client?.pull()))
    const ended = Promise.all(fast.map(trainToTheEnd))
    await eventually(() => assert.equal(fleet.step(), 4), PATIENT)
    const first = await Promise.race([ended, stopped?.pull()])
    assert.equal((first as { step: number }).step, 4, 'no one is further than two pushes')
    await stopped?.close()
    await Promise.all([ended, endOf(fleet)])
    assert.equal(fleet.step(), 30)
  })

  test('syncBackup: each update on each parameter server is the mean of two gradients', async () => {
    const fleet = await fleetOf(2, job({ type: 'syncBackup', backups: 1 }, 20))
    const clients = await Promise.all(WORKERS.map((index) => fleet.connect(index, layout)))
    await Promise.all(clients.map((client) => client.pull()))
    await Promise.all([endOf(fleet), ...clients.map(trainToTheEnd)])
    const { latest } = await findLatest(join(fleet.folder, 'tiny'))
    const { variables } = await loadCheckpoint(latest?.folder ?? '')
    assert.equal(latest?.manifest.step, 20)
    for (const [shard, { entries }] of (clients[0]?.placement.shards ?? []).entries()) {
      // Each gradient is 1 everywhere, and so is the mean of two.
      const version: number = latest?.manifest.shards[shard]?.version ?? 0
      for (const { name } of entries) assert.deepEqual(new Set(variables.get(name)?.data), new Set([-version]))
    }
  })

  for (const policy of [
    { type: 'boundedDelay', maxDelay: 0 },
    { type: 'syncBackup', backups: 0 },
  ] as const)
    test(`${policy.type}: connections that break do not stop the job`, async () => {
      const fleet = await fleetOf(2, job(policy, 300))
      const clients = await Promise.all(WORKERS.map((index) => fleet.connect(index, layout)))
      const ended = Promise.all(clients.map(trainToTheEnd))
      for (const step of [20, 60, 100, 140]) {
        await eventually(() => assert.ok(fleet.step() >= step), PATIENT)
        for (const proxy of fleet.proxies) proxy.cut()
      }
      await Promise.all([ended, endOf(fleet)])
      assert.equal(fleet.step(), 300)
    })
})
