/** Connections that are not admitted take only kilobytes and seconds of a parameter server, and do not delay workers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { storedVariable } from '../../../src/support/variables.ts'
import { Channel } from '../../../src/wire/channel.ts'
import { encodeFrame, HEAD_BYTES } from '../../../src/wire/frames.ts'
import { MAX_HELLO_BYTES } from '../../../src/wire/greeting.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { encodeMessage, type Message } from '../../../src/wire/messages.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { variable } from '../../unit/ps/fixtures.ts'
import { BEAT_MS, type Fleet, helloOf } from './harness.ts'
import { forEachTest, layout, train } from './small-fleet.ts'

/** Shorter than the silence after which any connection is cut. */
const HELLO_WITHIN_MS = 1.4 * BEAT_MS
/** Time for a refused connection to close, and for other tests on the machine. */
const SLACK_MS = 1000 + 3000
const MIB = 2 ** 20

const hello = helloOf(1, layout)
const layoutMessage: Message<'layout'> = { type: 'layout', variables: layout.variables.map(storedVariable) }
const pull: Message<'pull'> = { type: 'pull', incarnation: 0, version: 0 }

describe('a parameter server', { concurrency: false }, () => {
  const { fleetOf, later } = forEachTest()
  const impatientFleet = () => fleetOf(1, {}, { limits: { helloWithinMs: HELLO_WITHIN_MS } })

  /** Opens a raw connection without the proxy. `heard` returns the answers as text. */
  async function openRaw(fleet: Fleet, allowHalfOpen = false): Promise<{ socket: Socket; heard: () => string }> {
    const socket = connect({ host: '127.0.0.1', port: fleet.proxies[0]?.target ?? 0, allowHalfOpen })
    later(async () => socket.destroy())
    let heard = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
    await once(socket, 'connect')
    return { socket, heard: () => heard }
  }

  async function channelTo(fleet: Fleet): Promise<Channel> {
    const quiet = { heartbeatMs: 600_000, silenceMs: 1_200_000, onMessage: () => {} }
    const channel = await Channel.connect({ host: '127.0.0.1', port: fleet.proxies[0]?.target ?? 0 }, quiet)
    later(async () => channel.destroy())
    return channel
  }

  test('cuts 300 connections that send a hello message slowly, while a worker is admitted and trains', async () => {
    const fleet = await impatientFleet()
    const bytes = encodeFrame(1, 1, ' '.repeat(MAX_HELLO_BYTES))
    const startedMs = performance.now()
    const sockets: Socket[] = []
    const closed: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      const { socket } = await openRaw(fleet)
      sockets.push(socket)
      // Connect all at once: on a slow machine the first would be cut before the last has connected.
      closed.push(once(socket, 'close'))
    }
    let at = 0
    const dribble = setInterval(() => {
      for (const socket of sockets) socket.write(bytes.subarray(at, at + 1))
      at++
    }, 20)
    later(async () => clearInterval(dribble))
    const client = await fleet.connect(0, layout)
    assert.equal(await train(client, 20), 'applied')
    assert.ok(performance.now() - startedMs < HELLO_WITHIN_MS + SLACK_MS, 'training does not wait until they are cut')
    await Promise.all(closed)
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < HELLO_WITHIN_MS + SLACK_MS, `the last was cut after ${tookMs} ms`)
    assert.equal(await train(client, 1), 'applied')
  })

  test('sends a silent connection the reason before it cuts it', async () => {
    const fleet = await impatientFleet()
    const { socket, heard } = await openRaw(fleet)
    await once(socket, 'close')
    assert.match(heard(), /HELLO_LATE/)
  })

  test('does not read a header larger than a hello message, nor a body', async () => {
    const fleet = await impatientFleet()
    const large = encodeFrame(1, 1, 'x'.repeat(MAX_HELLO_BYTES + 1))
    const withBody = encodeFrame(1, 1, '{}', new Uint8Array(MIB))
    for (const [bytes, code] of [
      [large.subarray(0, HEAD_BYTES), /FRAME_TOO_LARGE/],
      [withBody, /FRAME_BAD_BODY/],
    ] as const) {
      const { socket, heard } = await openRaw(fleet)
      const startedMs = performance.now()
      socket.write(bytes)
      await once(socket, 'close')
      assert.match(heard(), code)
      assert.ok(performance.now() - startedMs < HELLO_WITHIN_MS, 'at once, not after the time limit')
    }
  })

  for (const [what, code, messages] of [
    ['a push before its hello', 'HELLO_FIRST', [pull]],
    ['a layout without a hello message', 'HELLO_FIRST', [layoutMessage]],
    ['a second hello instead of the layout', 'HELLO_FIRST', [hello, hello]],
    ['a hello for another job', 'WRONG_JOB', [{ ...hello, jobUid: 'other' }]],
    ['a layout of another hash', 'LAYOUT_MISMATCH', [{ ...hello, layoutHash: 'x' }, layoutMessage]],
    ['an empty layout', 'LAYOUT_INVALID', [hello, { ...layoutMessage, variables: [] }]],
  ] as const satisfies [string, string, Message[]][])
    test(`closes a connection that sends ${what}`, async () => {
      const fleet = await impatientFleet()
      const { socket, heard } = await openRaw(fleet)
      socket.write(Buffer.concat(messages.map((message, i) => encodeMessage(message, i + 1))))
      await once(socket, 'close')
      assert.match(heard(), new RegExp(`"${code}"`))
      assert.equal(fleet.servers[0]?.status().workersConnected, 0)
    })

  test('has a separate deadline for the layout, and accepts it from the next connection', async () => {
    const fleet = await impatientFleet()
    const { socket, heard } = await openRaw(fleet)
    socket.write(encodeMessage(hello, 1))
    const closed = once(socket, 'close')
    const client = await fleet.connect(0, layout)
    assert.equal(await train(client, 1), 'applied')
    await closed
    assert.match(heard(), /HELLO_LATE/)
  })

  test('accepts a layout of megabytes from an admitted connection', async () => {
    const fleet = await impatientFleet()
    const names = Array.from({ length: 8000 }, (_, i) =>
      variable(`a/variable/with/a/rather/long/name/so/that/it/takes/some/room/${i}`, 1),
    )
    const large = makeLayout(names)
    assert.ok(JSON.stringify(large.variables.map(storedVariable)).length > MIB)
    const client = await fleet.connect(0, large)
    assert.equal((await client.pull()).weights.size, 8000)
  })

  test('keeps one connection of each pod, and cuts the former one when the pod connects again', async () => {
    const fleet = await impatientFleet()
    await train(await fleet.connect(0, layout), 1)
    const [first, second] = [await channelTo(fleet), await channelTo(fleet)]
    assert.equal((await first.request(hello)).message.type, 'welcome')
    assert.equal((await second.request(hello)).message.type, 'welcome')
    await first.closed
    assert.equal((await second.request(pull)).message.type, 'weights')
    assert.equal(fleet.servers[0]?.status().workersConnected, 2)
  })

  test('refuses a second hello message of an admitted connection, and garbage ends the connection', async () => {
    const fleet = await impatientFleet()
    await train(await fleet.connect(0, layout), 1)
    const { socket, heard } = await openRaw(fleet)
    socket.write(encodeMessage(hello, 1))
    await eventually(() => assert.match(heard(), /incarnation/))
    socket.write(encodeMessage(hello, 2))
    await eventually(() => assert.match(heard(), /WIRE_UNEXPECTED/))
    socket.write(Buffer.alloc(64))
    await once(socket, 'close')
    assert.match(heard(), /FRAME_BAD_MAGIC/)
  })

  test('closes a half-closed connection, before and after its hello message', async () => {
    const fleet = await impatientFleet()
    await train(await fleet.connect(0, layout), 1)
    for (const said of [Buffer.alloc(0), encodeMessage(hello, 1).subarray(0, 40), encodeMessage(hello, 1)]) {
      const { socket } = await openRaw(fleet, true)
      socket.end(said)
      await once(socket, 'end')
    }
    await eventually(() => assert.equal(fleet.servers[0]?.status().workersConnected, 1))
  })

  test('holds one copy of the weights for a worker that keeps pulling without reading', async () => {
    const large = makeLayout([variable('a', 4 * MIB)])
    const fleet = await fleetOf(1, {}, { limits: { bufferLimitBytes: 1024 * MIB } })
    const client = await fleet.connect(0, large)
    await client.pull()
    const { socket, heard } = await openRaw(fleet)
    socket.write(encodeMessage({ ...hello, layoutHash: large.hash }, 1))
    await eventually(() => assert.match(heard(), /incarnation/))
    socket.pause()
    const before = process.memoryUsage.rss()
    const pulls = Array.from({ length: 50 }, (_, i) => encodeMessage(pull, 2 + i))
    socket.write(Buffer.concat(pulls))
    assert.equal((await client.pull()).changed, false)
    const grownBytes = process.memoryUsage.rss() - before
    assert.ok(grownBytes < 200 * MIB, `${grownBytes / MIB} MiB for 50 pulls of 16 MiB`)
    socket.resume()
    await eventually(() => assert.equal(heard().match(/"WIRE_UNEXPECTED"/g)?.length, 49))
  })

  test('stops reading from a peer that reads no answers, until it does', async () => {
    const fleet = await impatientFleet()
    await train(await fleet.connect(0, layout), 1)
    const { socket, heard } = await openRaw(fleet)
    socket.write(encodeMessage(hello, 1))
    await eventually(() => assert.match(heard(), /incarnation/))
    socket.pause()
    const beats = Buffer.concat(Array.from({ length: 1000 }, () => encodeMessage({ type: 'heartbeat' }, 0)))
    let taken = 0
    for (let i = 0; i < 2000; i++) socket.write(beats, () => taken++)
    await eventually(async () => {
      const before = taken
      await consistently(() => assert.equal(taken, before))
    })
    const takenBytes = taken * beats.length
    assert.ok(takenBytes < 20 * MIB, `${takenBytes / MIB} MiB read of one who takes no answer`)
    socket.resume()
    const stoppedAt = taken
    await eventually(() => assert.ok(taken > stoppedAt), { timeoutMs: 30_000 })
  })
})
