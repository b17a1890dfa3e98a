import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { startProcessServer } from '../../../src/http/process-server.ts'
import type { ApiServerOptions } from '../../../src/local/api/request.ts'
import { startApiServer } from '../../../src/local/api/server.ts'

/** The server gives a client 5 s for its headers and checks every second; 3 s are for a slow machine. */
const DISCONNECTED_WITHIN_MS = 5000 + 1000 + 3000
/** More than the buffers of the kernel take. */
const LARGE_TEXT_BYTES = 32 * 2 ** 20
/** The server cuts a client that has not taken its answer after 10 s. */
const STALLED_WITHIN_MS = 10_000 + 5000

describe('slow clients', { concurrency: true }, () => {
  async function ofProcess(t: TestContext): Promise<number> {
    const put = { '/pins': () => ({}) }
    const server = await startProcessServer({ host: '127.0.0.1', port: 0, metrics: new Registry(), put })
    t.after(server.close)
    return server.port
  }
  async function ofLocalApi(t: TestContext): Promise<number> {
    const clock = { nowMs: Date.now }
    const server = await startApiServer({ port: 0, token: 't', clock } as unknown as ApiServerOptions)
    t.after(server.close)
    return server.port
  }
  async function slow(t: TestContext, port: number, bytes: string): Promise<{ closed: Promise<unknown> }> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    t.after(() => socket.destroy())
    const closed = once(socket, 'close')
    await once(socket, 'connect')
    socket.write(bytes)
    return { closed }
  }

  for (const [name, start] of [
    ['a process', ofProcess],
    ['the local API server', ofLocalApi],
  ] as const)
    test(`do not block other clients of ${name}, and are disconnected within seconds`, async (t) => {
      const port = await start(t)
      const startedMs = performance.now()
      const closed: Promise<unknown>[] = []
      for (let i = 0; i < 300; i++) closed.push((await slow(t, port, 'GET /healthz HTTP/1.1\r\nhost: x\r\nx: ')).closed)
      const { status } = await fetch(`http://127.0.0.1:${port}/healthz`)
      assert.ok(status === 200 || status === 401)
      await Promise.all(closed)
      const tookMs = performance.now() - startedMs
      assert.ok(tookMs < DISCONNECTED_WITHIN_MS, `disconnected after ${tookMs} ms`)
    })

  test('that never read their answer are disconnected, while others get theirs', async (t) => {
    const text = 'x'.repeat(LARGE_TEXT_BYTES)
    const metrics = { contentType: 'text/plain', metrics: async () => text }
    const server = await startProcessServer({ host: '127.0.0.1', port: 0, metrics })
    t.after(server.close)
    const ends: Promise<unknown>[] = []
    const startedMs = performance.now()
    for (let i = 0; i < 20; i++) {
      const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'))
      // Without a listener for data, nothing is read. A write finds out that the connection is gone.
      const probe = setInterval(() => socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'), 100)
      t.after(() => clearInterval(probe))
      ends.push(new Promise((resolve) => socket.once('error', resolve)))
    }
    assert.equal((await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()).length, LARGE_TEXT_BYTES)
    await Promise.all(ends)
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs < STALLED_WITHIN_MS, `disconnected after ${tookMs} ms`)
  })

  test('are refused if their headers or their body are too large', async (t) => {
    const port = await ofProcess(t)
    const large = await slow(t, port, `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(20_000)}`)
    await large.closed
    const body = 'x'.repeat(65 * 1024)
    const { status } = await fetch(`http://127.0.0.1:${port}/pins`, { method: 'PUT', body }).catch(() => ({
      status: 0,
    }))
    assert.notEqual(status, 200)
  })
})
