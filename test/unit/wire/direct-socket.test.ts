import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { Channel } from '../../../src/wire/channel.ts'
import { takeOver } from '../../../src/wire/direct-socket.ts'
import { encodeFrame } from '../../../src/wire/frames.ts'
import { bytesOf, encodeMessage, type Message } from '../../../src/wire/messages.ts'
import { standAlone } from '../../../src/wire/regions.ts'

/** Versions of Node that accepted sockets are known to read directly on; others may fall back to copies. */
const DIRECT = [22, 24, 26]
const MAJOR = Number(process.versions.node.split('.')[0])
const PUSH: Message = {
  type: 'push',
  seq: 1,
  incarnation: 1,
  baseVersion: 0,
  loss: 1,
  examples: 1,
  batches: 1,
  globalStep: 0,
}

describe('accepted sockets', { concurrency: false }, () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function accepting(onSocket: (socket: Socket) => void): Promise<Socket> {
    const server = createServer(onSocket).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    closers.push(
      () => server.close(),
      () => socket.destroy(),
    )
    await once(socket, 'connect')
    return socket
  }

  /** Sends a push of megabytes. @returns whether its bytes came through the scratch buffer or `data` events, and the body */
  async function pushTo(prepare: (socket: Socket) => void) {
    const values = Float32Array.from({ length: 1_000_003 }, (_, i) => i)
    const region = standAlone(values.byteLength)
    const arrived = Promise.withResolvers<Uint8Array>()
    let events = 0
    const socket = await accepting((accepted) => {
      prepare(accepted)
      accepted.on('data', () => events++)
      const channel = Channel.accept(accepted, {
        heartbeatMs: 10_000,
        silenceMs: 20_000,
        allocate: ({ bodyBytes }) => region.open(bodyBytes),
        onMessage: (_message, body) => arrived.resolve(body),
      })
      closers.push(() => channel.destroy())
    })
    const bytes = bytesOf(values)
    socket.write(encodeMessage(PUSH, 1, bytes))
    socket.write(bytes)
    assert.deepEqual(await arrived.promise, region.bytes)
    assert.deepEqual(region.floats, values)
    assert.equal(region.isFinite, true)
    return { isDirect: events === 0 }
  }

  for (const version of DIRECT)
    test(`read directly into the memory of the receiver on Node ${version}`, {
      skip: version !== MAJOR && `this is Node ${MAJOR}; npm run test:reference runs the other versions`,
    }, async () => {
      assert.deepEqual(await pushTo(() => {}), { isDirect: true })
    })

  test('are read through data events where Node keeps their handle elsewhere', async () => {
    const hide = (socket: Socket) => {
      const owner = socket as unknown as { _handle: { useUserBuffer: unknown } }
      owner._handle.useUserBuffer = undefined
    }
    assert.deepEqual(await pushTo(hide), { isDirect: false })
  })

  test('that are taken over no longer count for their server, and end and close as others do', async () => {
    const ended = Promise.withResolvers<void>()
    const socket = await accepting((accepted) => {
      const direct = takeOver(accepted, { buffer: () => Buffer.alloc(10), callback: () => true })
      assert.ok(direct)
      direct.on('end', () => direct.end('bye'))
      direct.on('close', () => ended.resolve())
    })
    socket.end('hello')
    const [answer] = await once(socket, 'data')
    assert.equal(String(answer), 'bye')
    await ended.promise
  })

  test('write nothing into a body after it was released', async () => {
    const region = standAlone(1_000_000)
    const released = Promise.withResolvers<Uint8Array>()
    let channel: Channel | undefined
    const socket = await accepting((accepted) => {
      channel = Channel.accept(accepted, {
        heartbeatMs: 10_000,
        silenceMs: 20_000,
        allocate: ({ bodyBytes }) => region.open(bodyBytes),
        release: released.resolve,
        onMessage: () => assert.fail('an incomplete body was delivered'),
      })
    })
    const body = Buffer.alloc(1_000_000, 1)
    socket.write(Buffer.concat([encodeFrame(7, 1, '{}', body), body.subarray(0, 200_000)]))
    socket.on('error', () => {}).resume()
    const closed = once(socket, 'close')
    while (!region.bytes.subarray(0, 200_000).every((byte) => byte === 1)) await new Promise(setImmediate)
    channel?.refuse(new Error('no longer welcome'))
    socket.write(body.subarray(200_000, 300_000))
    assert.equal(await released.promise, region.bytes)
    region.bytes.fill(7)
    socket.write(body.subarray(300_000))
    await closed
    assert.ok(region.bytes.every((byte) => byte === 7))
  })
})
