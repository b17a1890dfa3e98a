import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { errorCode } from '../../../src/support/errors.ts'
import { Channel, type ChannelOptions } from '../../../src/wire/channel.ts'
import { encodeFrame, type FrameHead } from '../../../src/wire/frames.ts'
import { bytesOf } from '../../../src/wire/messages.ts'
import { eventually } from '../../support/eventually.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'

const BEAT_MS = 60
/** Value of `timer_active` in /proc/net/tcp for keep-alive; 1 is a retransmission. */
const KEEP_ALIVE_TIMER = 2
/** Allows for other tests that use the machine. */
const SLACK_MS = 3000

describe('a channel', { concurrency: false }, () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** Starts a server that answers through `options.onMessage`, and collects its channels. */
  async function serve(options: Partial<ChannelOptions> = {}): Promise<{ port: number; channels: Channel[] }> {
    const channels: Channel[] = []
    const server: Server = createServer((socket: Socket) => {
      const channel: Channel = Channel.accept(socket, {
        heartbeatMs: BEAT_MS,
        silenceMs: 2 * BEAT_MS,
        onMessage: (message, _body, requestId) => {
          if (message.type === 'lease') channel.send({ type: 'leased', lease: null }, requestId)
        },
        ...options,
      })
      channels.push(channel)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      for (const channel of channels) channel.destroy()
      server.close()
    })
    return { port: (server.address() as AddressInfo).port, channels }
  }

  async function dial(port: number, options: Partial<ChannelOptions> = {}, signal?: AbortSignal): Promise<Channel> {
    const to = { host: '127.0.0.1', port, ...(signal ? { signal } : {}) }
    const defaults = { heartbeatMs: BEAT_MS, silenceMs: 2 * BEAT_MS, onMessage: () => {} }
    const channel = await Channel.connect(to, { ...defaults, ...options })
    closers.push(() => channel.destroy())
    return channel
  }

  async function through(port: number): Promise<TcpProxy> {
    const proxy = await startTcpProxy(port)
    closers.push(() => proxy.close())
    return proxy
  }

  test('answers requests, each with its own answer', async () => {
    const { port, channels } = await serve({
      onMessage: (message, _body, requestId) => {
        const seq = message.type === 'lease' ? message.seq : 0
        const reply = () => channels[0]?.send({ type: 'leased', lease: { epoch: 0, unit: seq } }, requestId)
        setTimeout(reply, 10 - seq)
      },
    })
    const client = await dial(port)
    const replies = await Promise.all([1, 2, 3].map((seq) => client.request({ type: 'lease', seq })))
    assert.deepEqual(
      replies.map(({ message }) => message.type === 'leased' && message.lease?.unit),
      [1, 2, 3],
    )
  })

  test('writes a large body directly into the buffer that its receiver provides', async () => {
    const weights = Float32Array.from({ length: 500_000 }, (_, i) => i)
    const { port, channels } = await serve({
      onMessage: (_message, _body, requestId) =>
        channels[0]?.send({ type: 'weights', incarnation: 1, version: 1, state: 'fresh' }, requestId, bytesOf(weights)),
    })
    const place = new Float32Array(weights.length)
    const client = await dial(port, { allocate: () => bytesOf(place) })
    const { body } = await client.request({ type: 'pull', incarnation: 0, version: 0 })
    assert.equal(body.buffer, place.buffer)
    assert.deepEqual(place, weights)
  })

  test('that is lost rejects pending and later requests', async () => {
    const { port, channels } = await serve({ onMessage: () => channels[0]?.destroy() })
    const client = await dial(port)
    await assert.rejects(client.request({ type: 'lease', seq: 1 }), { code: 'WIRE_CLOSED' })
    await assert.rejects(client.request({ type: 'lease', seq: 2 }), { code: 'WIRE_CLOSED' })
  })

  test('stays open while both ends are idle', async () => {
    const { port, channels } = await serve()
    const client = await dial(port)
    let over = false
    void Promise.race([client.closed, channels[0]?.closed]).then(() => {
      over = true
    })
    await new Promise((resolve) => setTimeout(resolve, 5 * BEAT_MS))
    assert.equal(over, false)
  })

  test('that is half-open is closed by both ends after missed heartbeats', async () => {
    const { port, channels } = await serve()
    const proxy = await through(port)
    const client = await dial(proxy.port)
    await client.request({ type: 'lease', seq: 1 })
    const startedMs = performance.now()
    proxy.blackhole('request', 'response')
    const errors = await Promise.all([client.closed, channels[0]?.closed])
    assert.deepEqual(errors.map(errorCode), ['WIRE_SILENT', 'WIRE_SILENT'])
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < 3 * BEAT_MS + SLACK_MS, `${tookMs} ms: two heartbeats of silence and one of granularity`)
  })

  test('may be silent longer if its owner allows that: the kernel probes the peer', async () => {
    const { port, channels } = await serve()
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    await eventually(() => assert.equal(channels.length, 1))
    channels[0]?.allowSilence(60_000)
    await new Promise((resolve) => setTimeout(resolve, 5 * BEAT_MS))
    assert.equal(channels[0]?.alive, true)
    const { localPort } = socket
    assert.equal(kernelTimer(port, localPort ?? 0), KEEP_ALIVE_TIMER, 'no heartbeat replaces the keep-alive probe')
  })

  test('stays open at its accepting end during the slow transfer of a body', async () => {
    const { port, channels } = await serve({ allocate: () => null })
    const client = await dial(port)
    client.send(
      { type: 'push', seq: 1, incarnation: 1, baseVersion: 1, loss: 1, examples: 1, batches: 1, globalStep: 0 },
      1,
      new Uint8Array(9),
    )
    await eventually(() => assert.equal(channels[0]?.stalled, true))
    await new Promise((resolve) => setTimeout(resolve, 6 * BEAT_MS))
    assert.equal(client.alive, true)
  })

  test('sends a peer of another version the reason before it closes', async () => {
    const { port } = await serve()
    const socket = connect(port, '127.0.0.1')
    closers.push(() => socket.destroy())
    const frame = encodeFrame(1, 1, 'x'.repeat(200_000))
    frame.writeUInt16LE(9, 4)
    socket.write(frame)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    await once(socket, 'close')
    assert.match(Buffer.concat(chunks).toString(), /"code":"FRAME_BAD_(VERSION|CHECKSUM)","message":"[^"]+closed"/)
  })

  test('ends in a second even if the peer never does', async () => {
    const { port, channels } = await serve()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    closers.push(() => socket.destroy())
    socket.resume()
    await eventually(() => assert.equal(channels.length, 1))
    const startedMs = performance.now()
    await channels[0]?.end()
    assert.ok(performance.now() - startedMs < 1000 + SLACK_MS)
  })

  test('returns the buffer of an incomplete or damaged body', async () => {
    const lent: Uint8Array[] = []
    const returned: Uint8Array[] = []
    const allocate = ({ bodyBytes }: FrameHead) => {
      const body = new Uint8Array(bodyBytes)
      lent.push(body)
      return body
    }
    const { port } = await serve({ allocate, release: (body) => void returned.push(body) })
    const body = new Uint8Array(100_000)
    const head = encodeFrame(7, 1, '{}', body)
    for (const bytes of [
      Buffer.concat([head, body.subarray(1)]),
      Buffer.concat([head, body.subarray(1), new Uint8Array([1])]),
      Buffer.concat([encodeFrame(999, 1, '{}', body), body]),
    ]) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      socket.end(bytes)
      await once(socket, 'close')
    }
    await eventually(() => assert.equal(returned.length, 3))
    assert.deepEqual(returned, lent)
  })

  test('stops reading while its receiver has no buffer', async () => {
    let room = false
    const got: number[] = []
    const { port, channels } = await serve({
      allocate: ({ bodyBytes }) => (room ? new Uint8Array(bodyBytes) : null),
      onMessage: (_message, body) => void got.push(body.length),
    })
    const client = await dial(port)
    client.send(
      { type: 'push', seq: 1, incarnation: 1, baseVersion: 1, loss: 1, examples: 1, batches: 1, globalStep: 0 },
      1,
      new Uint8Array(9),
    )
    await eventually(() => assert.equal(channels[0]?.stalled, true))
    assert.deepEqual(got, [])
    room = true
    channels[0]?.resume()
    await eventually(() => assert.deepEqual(got, [9]))
  })

  test('that cannot connect reports a refused connection or an abort', async () => {
    const { port, channels } = await serve()
    const stop = new AbortController()
    stop.abort(new DOMException('stopped', 'AbortError'))
    await assert.rejects(dial(port, {}, stop.signal), { name: 'AbortError' })
    assert.equal(channels.length, 0)
    const closed = await startTcpProxy(port)
    await closed.close()
    await assert.rejects(dial(closed.port), { code: 'ECONNREFUSED' })
  })
})

/** @returns the active kernel timer of the connection with these local and remote ports, from /proc/net/tcp */
function kernelTimer(localPort: number, remotePort: number): number | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  const row = rows
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => {
      return local?.endsWith(`:${hex(localPort)}`) && remote?.endsWith(`:${hex(remotePort)}`)
    })
  return row && Number(row[5]?.split(':')[0])
}
