/** What comes over the network to a parameter server: garbage, strangers, torn pushes, zombies, silence. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame } from '../../../src/wire/frames.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { eventually } from '../../support/eventually.ts'
import { variable } from '../../unit/ps/fixtures.ts'
import { BEAT_MS } from './harness.ts'
import { forEachTest, layout, pushOnes, train, weightsOf } from './small-fleet.ts'

describe('parameter servers', { concurrency: false }, () => {
  const { fleetOf, later } = forEachTest()

  test('are unharmed by whatever a stranger sends', async () => {
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

  test('refuse a body from who has not said hello, before there is room for it', async () => {
    const fleet = await fleetOf(1)
    const socket = connect(fleet.proxies[0]?.port ?? 0, '127.0.0.1')
    later(async () => socket.destroy())
    const push = encodeFrame(4, 1, '{"seq":1,"incarnation":1,"baseVersion":1,"loss":1,"examples":1}')
    const head = encodeFrame(4, 1, '', new Uint8Array(64 << 20)).subarray(0, 32)
    socket.write(Buffer.concat([head, push]))
    const [reply] = (await once(socket, 'data')) as [Buffer]
    assert.match(reply.toString(), /FRAME_BAD_BODY/)
  })

  test('refuse a worker of another job, model or data, with a code it can act on', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    await train(client, 1)
    const other = makeLayout([variable('a', 6)])
    await assert.rejects(fleet.connect(1, other), { code: 'LAYOUT_MISMATCH' })
    await assert.rejects(fleet.connect(1, layout, { dataUnits: 9 }), {
      code: 'DATA_UNITS_MISMATCH',
      message: /worker 1 sees 9 data files, the job has 4/,
    })
    assert.equal(await train(client, 1), 'applied')
  })

  test('take back the room of pushes whose connection dies in the middle, and hand their data out again', async () => {
    const oneBody = 4 * 19
    const fleet = await fleetOf(1, {}, { bufferLimitBytes: oneBody + 1 })
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    for (let i = 0; i < 5; i++) {
      await client.pull()
      fleet.proxies[0]?.truncateAfter(150, 'request') // of about 185: in the body
      assert.equal((await pushOnes(client)).result, 'applied')
    }
    assert.ok((fleet.proxies[0]?.accepted ?? 0) > 5, 'the connection died each time')
    await client.close()
    const next = await fleet.connect(1, layout)
    assert.deepEqual(await next.leases.next(), lease)
  })

  test('fence a worker that comes back after another pod took its place', async () => {
    const fleet = await fleetOf(2)
    const zombie = await fleet.connect(0, layout, { podUid: 'former' })
    await train(zombie, 1)
    const lease = await zombie.leases.next()
    const heir = await fleet.connect(0, layout, { podUid: 'newer' })
    assert.deepEqual(await heir.leases.next(), lease, 'its data is handed out again')
    await assert.rejects(train(zombie, 1), { code: 'FENCED' })
    assert.equal(await train(heir, 1), 'applied')
    assert.equal(fleet.step(), 2)
  })

  test('find a silent worker in heartbeats and hand its data out again', async () => {
    const fleet = await fleetOf(1)
    const client = await fleet.connect(0, layout)
    const lease = await client.leases.next()
    fleet.proxies[0]?.blackhole('request', 'response')
    await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 0), { timeoutMs: 4 * BEAT_MS })
    fleet.proxies[0]?.cut()
    fleet.proxies[0]?.heal()
    const next = await fleet.connect(1, layout)
    assert.deepEqual(await next.leases.next(), lease)
  })
})
