/** Faults that reach a parameter server over the network: garbage, foreign clients, torn pushes, zombies, silence. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { Lease } from '../../../src/contract/exchange.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { Channel } from '../../../src/wire/channel.ts'
import { encodeFrame } from '../../../src/wire/frames.ts'
import { sayHello } from '../../../src/wire/greeting.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { variable } from '../../unit/ps/fixtures.ts'
import type { BusyWork } from './busy-worker.ts'
import { BEAT_MS, type Fleet, helloOf } from './harness.ts'
import { forEachTest, layout, pushOnes, train, weightsOf } from './small-fleet.ts'

describe('parameter servers', { concurrency: false }, () => {
  const { fleetOf, later } = forEachTest()

  test('are unharmed by any bytes of an unknown client', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const before = await weightsOf(client)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.tuple(fc.integer({ min: 0, max: 20 }), fc.json()).map(([type, json]) => encodeFrame(type, 1, json)),
        ),
        async (bytes) => {
          const socket = connect(fleet.proxies[0]?.port ?? 0, '127.0.0.1')
          socket.on('error', () => {})
          socket.resume()
          socket.end(bytes)
          await once(socket, 'close')
        },
      ),
      { numRuns: 40 },
    )
    await client.pull()
    assert.deepEqual(await weightsOf(client), before)
    assert.equal(await train(client, 1), 'applied')
  })

  test('refuse a body before the hello message, before they allocate a buffer', async () => {
    const fleet = await fleetOf(1)
    const socket = connect(fleet.proxies[0]?.port ?? 0, '127.0.0.1')
    later(async () => socket.destroy())
    const push = encodeFrame(4, 1, '{"seq":1,"incarnation":1,"baseVersion":1,"loss":1,"examples":1}')
    const head = encodeFrame(4, 1, '', new Uint8Array(64 << 20))
    socket.write(Buffer.concat([head, push]))
    const [reply] = (await once(socket, 'data')) as [Buffer]
    assert.match(reply.toString(), /FRAME_BAD_BODY/)
  })

  test('refuse a worker of another job, model or data with a specific code', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const other = makeLayout([variable('a', 6)])
    await assert.rejects(fleet.connect(1, other), { code: 'LAYOUT_MISMATCH' })
    const elsewhere = await fleet.connect(1, layout, { dataUnits: 9 })
    await assert.rejects(elsewhere.leases.next(), {
      code: 'DATA_UNITS_MISMATCH',
      message: /worker 1 sees 9 data files, the job has 4/,
    })
    assert.equal(await train(client, 1), 'applied')
  })

  test('return the buffers of torn pushes, and hand the data of their workers out again', async () => {
    const oneBody = 4 * 19
    const fleet = await fleetOf(1, {}, { limits: { bufferLimitBytes: oneBody + 1 } })
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    for (let i = 0; i < 5; i++) {
      await client.pull()
      fleet.proxies[0]?.truncateAfter(150, 'request') // of about 185, so within the body
      assert.equal((await pushOnes(client)).result, 'applied')
    }
    assert.ok((fleet.proxies[0]?.accepted ?? 0) > 5, 'the connection was cut each time')
    await client.close()
    const next = await fleet.connect(1, layout)
    assert.deepEqual(await next.leases.next(), lease)
  })

  test('fence a worker that returns after another pod replaced it', async () => {
    const fleet = await fleetOf(2)
    const zombie = await fleet.connect(0, layout, { podUid: 'former' })
    await train(zombie, 1)
    const lease = await zombie.leases.next()
    const successor = await fleet.connect(0, layout, { podUid: 'newer' })
    assert.deepEqual(await successor.leases.next(), lease, 'its data is handed out again')
    await assert.rejects(train(zombie, 1), { code: 'FENCED' })
    assert.equal(await train(successor, 1), 'applied')
    assert.equal(fleet.step(), 2)
  })

  test('detect a silent worker and hand its data out again', async () => {
    const fleet = await fleetOf(1, {}, { limits: { workerSilenceMs: 2 * BEAT_MS, absenceMs: BEAT_MS } })
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    fleet.proxies[0]?.blackhole('request', 'response')
    await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 0), { timeoutMs: 4 * BEAT_MS })
    const next = await fleet.connect(1, layout, { direct: true })
    let got: Lease | null = null
    const seen: Lease[] = []
    await eventually(async () => {
      got = await next.leases.next()
      if (got) seen.push(got)
      assert.ok(
        seen.some((one) => one.unit === lease?.unit && one.epoch === lease.epoch),
        JSON.stringify(seen),
      )
    })
  })

  test('wait for a worker whose step takes longer than many heartbeats', async () => {
    const fleet = await fleetOf(1)
    const busy = await silentWorker(fleet, 0)
    later(async () => busy.destroy())
    await consistently(() => assert.equal(fleet.servers[0]?.status().workersConnected, 1), { timeoutMs: 5 * BEAT_MS })
    const { message } = await busy.request({ type: 'lease', seq: 1 })
    assert.equal(message.type, 'leased')
  })

  test('give all units to a worker whose every step blocks it for many heartbeats', async () => {
    const fleet = await fleetOf(1)
    const [proxy] = fleet.proxies
    const workerData: BusyWork = { port: proxy?.port ?? 0, heartbeatMs: BEAT_MS, stepMs: 3 * BEAT_MS, units: 5 }
    const thread = new Worker(new URL('./busy-worker.ts', import.meta.url), { workerData })
    later(() => thread.terminate())
    const [read] = (await once(thread, 'message')) as [Lease[]]
    assert.deepEqual(
      read.map(({ epoch }) => epoch),
      [0, 0, 0, 0, 1],
    )
    assert.deepEqual(new Set(read.slice(0, 4).map(({ unit }) => unit)), new Set([0, 1, 2, 3]))
    assert.equal(proxy?.accepted, 1, 'over one connection')
  })

  test('keep the leases of a worker that reconnects, and take back those of one that stays away', async () => {
    const fleet = await fleetOf(1, {}, { limits: { absenceMs: 3 * BEAT_MS } })
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    const other = await fleet.connect(1, layout, { direct: true })
    fleet.proxies[0]?.cut()
    assert.notDeepEqual(await other.leases.next(), lease)
    await train(client, 1)
    await systemClock.sleep(3 * BEAT_MS) // longer than the allowed absence
    assert.notDeepEqual(await other.leases.next(), lease, 'it came back in time')
    fleet.proxies[0]?.blackhole('request', 'response')
    fleet.proxies[0]?.cut()
    await eventually(async () => assert.deepEqual(await other.leases.next(), lease), { intervalMs: BEAT_MS })
  })

  test('hand out the whole epoch to a worker that loses its connection during every lease', async () => {
    const fleet = await fleetOf(1, {}, { limits: { absenceMs: 0 } })
    const client = await fleet.connect(0, layout)
    const units = new Set<number | undefined>()
    for (let i = 0; i < 4; i++) {
      const lease = await client.leases.next()
      units.add(lease?.unit)
      fleet.proxies[0]?.cut()
      await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 0), { intervalMs: 1 })
      if (lease) await client.leases.done(lease)
    }
    assert.deepEqual([...units].sort(), [0, 1, 2, 3])
    assert.equal((await client.leases.next())?.epoch, 1)
  })
})

/** A worker that sends a hello message and then nothing, not even heartbeats, like a busy program. */
async function silentWorker(fleet: Fleet, index: number): Promise<Channel> {
  const quiet = { heartbeatMs: 600_000, silenceMs: 1_200_000, onMessage: () => {} }
  const channel = await Channel.connect({ host: '127.0.0.1', port: fleet.proxies[0]?.port ?? 0 }, quiet)
  const message = await sayHello(channel, helloOf(index, layout), layout)
  assert.equal(message.type, 'welcome')
  return channel
}
