import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ReportReader } from '../../../src/operator/runtime-status.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { silentLog } from '../../../src/support/log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { coordinator, evaluator, pod, saved, succeeded } from './builders.ts'

const never = new AbortController().signal
const here = { podIP: '127.0.0.1' }

/** A pod's HTTP port, and a reader of it. */
async function withServer(
  listener: RequestListener,
  check: (reader: ReportReader, asked: () => number) => Promise<void>,
  clock = systemClock,
) {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const limits = { timeoutMs: 150, maxBytes: 20_000 }
  try {
    await check(new ReportReader({ log: silentLog, clock, freshMs: 1000, port, ...limits }), () => asked)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const readPs = async (reader: ReportReader) => (await reader.read([pod('ps', 0, here)], never)).coordinator

test('a running parameter server is asked', async () => {
  const told = coordinator({ checkpoints: [saved(100), saved(200, { score: 0.5 })] })
  await withServer(
    (request, response) => {
      assert.equal(request.url, '/status')
      response.end(JSON.stringify(told))
    },
    async (reader) => assert.deepEqual(await readPs(reader), told),
  )
})

test('a pin is put, and what was read before is asked for again', async () => {
  let pinned: number[] = []
  const put = async (request: IncomingMessage) => {
    pinned = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString()).steps
  }
  await withServer(
    (request, response) => {
      if (request.method === 'PUT') void put(request).then(() => response.end('{}'))
      else response.end(JSON.stringify(coordinator({ pinned })))
    },
    async (reader) => {
      assert.deepEqual((await readPs(reader))?.pinned, [])
      await reader.pin('127.0.0.1', [500], never)
      assert.deepEqual((await readPs(reader))?.pinned, [500])
    },
  )
})

test('a pin that is refused is an error', () =>
  withServer(
    (_, response) => response.writeHead(400).end(),
    (reader) => assert.rejects(reader.pin('127.0.0.1', [500], never), { code: 'STATUS_REFUSED' }),
  ))

test('one that has ended left its last words, and so did the evaluator', async () => {
  const reader = new ReportReader({ log: silentLog, clock: systemClock, freshMs: 1000 })
  const [ps, judge] = [coordinator({ phase: 'done' }), evaluator(1000, { top1: 0.5 })]
  const pods = [
    succeeded('ps', 0, { lastWords: JSON.stringify(ps) }),
    succeeded('evaluator', 0, { lastWords: JSON.stringify(judge) }),
  ]
  assert.deepEqual(await reader.read(pods, never), { coordinator: ps, evaluator: judge })
  const torn = [succeeded('ps', 0, { lastWords: JSON.stringify(ps).slice(0, 40) })]
  assert.deepEqual(await reader.read(torn, never), { coordinator: undefined, evaluator: undefined })
})

const bad: [string, RequestListener][] = [
  ['silence', () => {}],
  ['an error', (_, response) => response.writeHead(500).end(JSON.stringify(coordinator()))],
  ['no JSON', (_, response) => response.end('<html>')],
  ['another shape', (_, response) => response.end(JSON.stringify({ ...coordinator(), step: 'many' }))],
  ['an endless answer', (_, response) => response.end(`${' '.repeat(30_000)}${JSON.stringify(coordinator())}`)],
  ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
]
for (const [name, listener] of bad) {
  test(`${name} counts as no answer`, () =>
    withServer(listener, async (reader) => assert.equal(await readPs(reader), undefined)))
}

test('an answer is not asked for again within its time', async () => {
  const clock = new FakeClock()
  await withServer(
    (_, response) => response.end(JSON.stringify(coordinator())),
    async (reader, asked) => {
      await readPs(reader)
      await readPs(reader)
      assert.equal(asked(), 1)
      await clock.advance(1001)
      await readPs(reader)
      assert.equal(asked(), 2)
    },
    clock,
  )
})

test('a pod that takes its time holds nobody up, is asked once, and its answer is announced', async () => {
  const told = coordinator()
  const slow = Promise.withResolvers<void>()
  await withServer(
    (_, response) => void slow.promise.then(() => response.end(JSON.stringify(told))),
    async (reader, asked) => {
      const announced = Promise.withResolvers<void>()
      const pods = [pod('ps', 0, here)]
      const startedMs = performance.now()
      assert.equal((await reader.read(pods, never, announced.resolve)).coordinator, undefined)
      assert.ok(performance.now() - startedMs < 140, 'waited for all of the answer')
      assert.equal((await Promise.all([reader.read(pods, never), slow.resolve()]))[0].coordinator?.step, told.step)
      await announced.promise
      assert.deepEqual([(await reader.read(pods, never)).coordinator, asked()], [told, 1])
    },
  )
})
