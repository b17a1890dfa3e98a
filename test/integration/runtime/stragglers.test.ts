import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CoordinatorStatus } from '../../../src/contract/status.ts'
import { systemClock } from '../../../src/support/clock.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { eventually } from '../../support/eventually.ts'
import { forEachTest, layout, train } from './small-fleet.ts'

/** It judges every two seconds, whatever the clock says. */
const PATIENT = { timeoutMs: 30_000 }

describe('parameter server 0', { concurrency: false }, () => {
  const { fleetOf } = forEachTest()

  test('reports the pod of a worker whose steps take five times as long, until that worker has left', async () => {
    let nowMs = 0
    const each = () => ({ clock: { ...systemClock, nowMs: () => nowMs } })
    const fleet = await fleetOf(1, { stragglers: { slowerThan: 2, forSeconds: 10 } }, { each })
    const clients = await Promise.all([0, 1, 2, 3].map((index) => fleet.connect(index, layout)))
    const slow = clients[3] as ShardClient
    const found = () => CoordinatorStatus.parse(fleet.servers[0]?.status()).stragglers
    let second = 0
    const passASecond = async () => {
      nowMs += 1000
      second++
      for (const client of clients.slice(0, 3)) await train(client, 1)
      if (second % 5 === 0) await train(slow, 1)
    }
    await eventually(async () => {
      await passASecond()
      assert.deepEqual(
        found().map(({ worker, podUid, slowness }) => [worker, podUid, slowness]),
        [[3, 'pod-3', 5]],
      )
    }, PATIENT)
    await slow.close()
    await eventually(() => assert.deepEqual(found(), []), PATIENT)
  })
})
