/** Measures what unauthenticated connections cost a parameter server, which is a separate process that reports its memory. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { encodeClasses } from '../../src/contract/classes.ts'
import { PORTS } from '../../src/contract/runtime.ts'
import { silentLog } from '../../src/support/log.ts'
import { encodeFrame, HEAD_BYTES } from '../../src/wire/frames.ts'
import { connectShards } from '../../src/worker/client.ts'
import { layout, train } from '../integration/runtime/small-fleet.ts'
import { eventually } from '../support/eventually.ts'
import { makeConfig } from '../unit/ps/fixtures.ts'
import { createPsProcess, type PsProcess } from './ps-process.ts'

/** 10 s until a hello is overdue, 1 s to close the connection, and 14 s for a busy machine: another file runs at the same time. */
const CLOSED_WITHIN_MS = 10_000 + 1000 + 14_000
const MIB = 2 ** 20
/**
 * How much the server's memory may grow while strangers send 300 MiB and announce 1.6 GiB. Measured: 57 to 61 MiB, which
 * are read buffers of 64 KiB that await garbage collection. A server that buffers what it receives grows by over 300 MiB.
 */
const MAX_GROWTH_MIB = 128

describe('a parameter server', () => {
  let folder = ''
  let ps: PsProcess
  const sockets: Socket[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'downpour-strangers-'))
    ps = createPsProcess(makeConfig(), folder)
    ps.start()
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    await ps.kill()
    await rm(folder, { recursive: true })
  })

  async function residentBytes(): Promise<number> {
    const text = await (await fetch(`http://${ps.host}:${PORTS.http}/metrics`)).text()
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1])
  }

  async function stranger(bytes: Uint8Array): Promise<{ socket: Socket; closed: Promise<unknown> }> {
    const socket = connect(PORTS.wire, ps.host)
    sockets.push(socket)
    socket.on('error', () => {})
    socket.resume()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await once(socket, 'connect')
    socket.write(bytes)
    return { socket, closed }
  }

  test('closes 300 slow and 100 large unauthenticated connections; it does not buffer them and keeps serving a worker', async (t) => {
    await eventually(async () => assert.ok((await residentBytes()) > 0), { timeoutMs: 20_000, intervalMs: 100 })
    const stop = new AbortController()
    t.after(() => stop.abort())
    const identity = { index: 0, podUid: 'honest', attempt: 0 }
    const job = { jobUid: 'job-uid', layout, dataUnits: 4, classes: encodeClasses([]) }
    const client = await connectShards({
      hosts: [ps.host],
      port: PORTS.wire,
      identity,
      ...job,
      signal: stop.signal,
      log: silentLog,
    })
    await train(client, 50)
    const before = await residentBytes()
    const startedMs = performance.now()
    const head = encodeFrame(1, 1, 'x'.repeat(4 * MIB)).subarray(0, HEAD_BYTES)
    const small = encodeFrame(1, 1, 'x'.repeat(4000)).subarray(0, HEAD_BYTES)
    const threeMib = Buffer.concat([head, Buffer.alloc(3 * MIB, 'x')])
    const slow = await Promise.all(Array.from({ length: 300 }, (_, i) => stranger(i % 2 ? head : small)))
    const large = await Promise.all(Array.from({ length: 100 }, () => stranger(threeMib)))
    const slowSender = setInterval(() => {
      for (const { socket } of slow) socket.write('x')
    }, 500)
    const closed = Promise.all([...slow, ...large].map((one) => one.closed))
    const peak = { bytes: 0 }
    const isOver = closed.then(() => true)
    while (!(await Promise.race([isOver, false])) && performance.now() - startedMs < CLOSED_WITHIN_MS) {
      assert.equal(await train(client, 20), 'applied')
      peak.bytes = Math.max(peak.bytes, await residentBytes())
    }
    clearInterval(slowSender)
    const tookMs = performance.now() - startedMs
    const open = sockets.filter(({ destroyed }) => !destroyed).length
    const growthMib = (peak.bytes - before) / MIB
    assert.equal(open, 0, `${open} of 400 are open after ${tookMs} ms; memory grew by ${growthMib} MiB`)
    assert.ok(growthMib < MAX_GROWTH_MIB, `memory grew by ${growthMib} MiB`)
    assert.equal(await train(client, 1), 'applied')
    t.diagnostic(`all closed after ${Math.round(tookMs)} ms; memory grew by ${Math.round(growthMib)} MiB`)
    await client.close()
  })
})
