/** Pushes and pulls between a client and parameter servers: what is copied, what is shared, and what is in flight together. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { makeConfig, variable } from '../../unit/ps/fixtures.ts'
import { forEachTest } from './small-fleet.ts'

/** Several reads of a socket. */
const ELEMENTS = 2 ** 19
const { optimizer } = makeConfig()
const large = makeLayout([variable('a', ELEMENTS), variable('b', 3), variable('m', 5, { kind: 'statistic' })])
/** Two servers share it without cutting a variable. */
const even = makeLayout([variable('a', ELEMENTS), variable('b', ELEMENTS), variable('m', 5, { kind: 'statistic' })])

function pushOf(client: ShardClient, more: { gradients?: ReadonlyMap<string, Float32Array> } = {}) {
  const { outgoing, base } = client
  return client.push({ gradients: outgoing, statistics: outgoing, batches: 1, loss: 1, examples: 1, base, ...more })
}

function fillOutgoing({ outgoing }: ShardClient, value: number): void {
  for (const values of outgoing.values()) values.fill(value)
}

describe('an exchange', { concurrency: false }, () => {
  const { fleetOf } = forEachTest()

  test('sends gradients that were written into the views of the client, over several servers', async () => {
    const fleet = await fleetOf(2, { optimizer })
    const client = await fleet.connect(0, even)
    await client.pull()
    assert.deepEqual([...client.outgoing.keys()].sort(), ['a', 'b', 'm'])
    fillOutgoing(client, -2)
    assert.equal((await pushOf(client)).result, 'applied')
    const { weights } = await client.pull()
    assert.deepEqual(
      ['a', 'b', 'm'].map((name) => new Set(weights.get(name))),
      [new Set([2]), new Set([2]), new Set([-1])],
    )
  })

  test('copies gradients that are elsewhere', async () => {
    const fleet = await fleetOf(1, { optimizer })
    const client = await fleet.connect(0, large)
    await client.pull()
    fillOutgoing(client, 0)
    const gradients = new Map([...client.outgoing].map(([name, values]) => [name, values.slice().fill(-3)]))
    assert.equal((await pushOf(client, { gradients })).result, 'applied')
    assert.deepEqual(new Set((await client.pull()).weights.get('a')), new Set([3]))
  })

  test('that is not finite is not sent, and the next one is applied as the first', async () => {
    const fleet = await fleetOf(2, { optimizer })
    const client = await fleet.connect(0, even)
    await client.pull()
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e20]) {
      fillOutgoing(client, 0)
      client.outgoing.get('b')?.fill(bad)
      assert.deepEqual(await pushOf(client), { result: 'nonfinite', step: 0 })
    }
    fillOutgoing(client, -1)
    assert.deepEqual(await pushOf(client), { result: 'applied', step: 1 })
  })

  test('pulls and pushes at the same time, each weights of one version', async () => {
    const fleet = await fleetOf(1, { optimizer })
    const [worker, reader] = [await fleet.connect(0, large), await fleet.connect(1, large)]
    await worker.pull()
    fillOutgoing(worker, -1)
    for (let step = 1; step <= 6; step++) {
      const [own, pushed, other] = await Promise.all([worker.pull(), pushOf(worker), reader.pull()])
      assert.equal(pushed.step, step)
      for (const { weights, step: version } of [own, other])
        assert.deepEqual(
          [new Set(weights.get('a')), new Set(weights.get('b'))],
          [new Set([version]), new Set([version])],
        )
    }
  })

  test('of more workers than there is room for waits, and every push is applied', async () => {
    const oneBody = 4 * (ELEMENTS + 8) + 128
    const fleet = await fleetOf(1, { optimizer }, { limits: { bufferLimitBytes: 2 * oneBody } })
    const clients = await Promise.all([0, 1, 2, 3, 4].map((index) => fleet.connect(index, large)))
    await Promise.all(clients.map((client) => client.pull()))
    for (const client of clients) fillOutgoing(client, -1)
    for (let round = 0; round < 3; round++)
      await Promise.all(clients.flatMap((client) => [pushOf(client), client.pull()]))
    const { step, weights } = await (clients[0] as ShardClient).pull()
    assert.equal(step, 15)
    assert.deepEqual(new Set(weights.get('a')), new Set([15]))
  })
})
