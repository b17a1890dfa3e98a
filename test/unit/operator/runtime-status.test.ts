import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { ReportReader } from '../../../src/operator/runtime-status.ts'
import { systemClock } from '../../../src/support/clock.ts'
import { silentLog } from '../../../src/support/log.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { coordinator, evaluator, pod, saved, succeeded } from './builders.ts'

const never = new AbortController().signal
const here = { podIP: '127.0.0.1' }

/** Starts the HTTP server of a pod and a reader of its status. */
async function withServer(
  listener: RequestListener,
  check: (reader: ReportReader, requests: () => number) => Promise<void>,
  clock = systemClock,
) {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    listener(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const limits = { timeoutMs: 500, maxBytes: 20_000 }
  try {
    await check(new ReportReader({ log: silentLog, clock, freshMs: 1000, port, ...limits }), () => requests)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const pods = [pod('ps', 0, here)]

/** Reads until the pod has answered with a changed status. */
async function readPs(reader: ReportReader) {
  const changed = Promise.withResolvers<void>()
  reader.read(pods, never, changed.resolve)
  await changed.promise
  return reader.read(pods, never, unexpectedChange).coordinator
}

const unexpectedChange = () => assert.fail('the status did not change')

test('the status of a running parameter server is read over HTTP', async () => {
  const status = coordinator({ checkpoints: [saved(100), saved(200, { score: 0.5 })] })
  await withServer(
    (request, response) => {
      assert.equal(request.url, '/status')
      response.end(JSON.stringify(status))
    },
    async (reader) => assert.deepEqual(await readPs(reader), status),
  )
})

test('a pin is sent with PUT, and the cached status is dropped', async () => {
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

test('the status of ended pods is read from their termination messages', async () => {
  const reader = new ReportReader({ log: silentLog, clock: systemClock, freshMs: 1000 })
  const read = (ended: PodFacts[]) => reader.read(ended, never, unexpectedChange)
  const [ps, score] = [coordinator({ phase: 'done' }), evaluator(1000, { top1: 0.5 })]
  const ended = [
    succeeded('ps', 0, { terminationMessage: JSON.stringify(ps) }),
    succeeded('evaluator', 0, { terminationMessage: JSON.stringify(score) }),
  ]
  assert.deepEqual(read(ended), { coordinator: ps, evaluator: score })
  const torn = [succeeded('ps', 0, { terminationMessage: JSON.stringify(ps).slice(0, 40) })]
  assert.deepEqual(read(torn), { coordinator: undefined, evaluator: undefined })
})

const bad: [string, RequestListener][] = [
  ['no response', () => {}],
  ['an error', (_, response) => response.writeHead(500).end(JSON.stringify(coordinator()))],
  ['a body that is not JSON', (_, response) => response.end('<html>')],
  ['a body of another shape', (_, response) => response.end(JSON.stringify({ ...coordinator(), step: 'many' }))],
  ['a body that is too long', (_, response) => response.end(`${' '.repeat(30_000)}${JSON.stringify(coordinator())}`)],
  ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
]
for (const [name, listener] of bad) {
  test(`${name} counts as no status, also after a valid one`, async () => {
    const clock = new FakeClock()
    const good: RequestListener = (_, response) => response.end(JSON.stringify(coordinator()))
    let answer = good
    await withServer(
      (request, response) => answer(request, response),
      async (reader) => {
        assert.equal((await readPs(reader))?.step, coordinator().step)
        await clock.advance(1001)
        answer = listener
        assert.equal(await readPs(reader), undefined)
        await clock.advance(1001)
        answer = good
        assert.equal((await readPs(reader))?.step, coordinator().step)
      },
      clock,
    )
  })
}

test('a status is not requested again while it is fresh, and an unchanged one does not requeue the job', async () => {
  const clock = new FakeClock()
  let changes = 0
  await withServer(
    (_, response) => response.end(JSON.stringify(coordinator())),
    async (reader, requests) => {
      await readPs(reader)
      reader.read(pods, never, unexpectedChange)
      assert.equal(requests(), 1)
      await eventually(async () => {
        await clock.advance(1001)
        reader.read(pods, never, () => changes++)
        assert.equal(requests(), 3)
      })
      assert.equal(changes, 0)
    },
    clock,
  )
})

test('reading never waits for a slow pod: its last status is returned until it answers', async () => {
  const clock = new FakeClock()
  const slow = Promise.withResolvers<void>()
  let step = 1
  const answer = () => JSON.stringify(coordinator({ step }))
  await withServer(
    (_, response) => void (step === 1 ? Promise.resolve() : slow.promise).then(() => response.end(answer())),
    async (reader, requests) => {
      assert.equal((await readPs(reader))?.step, 1)
      await clock.advance(1001)
      step = 2
      const changed = Promise.withResolvers<void>()
      assert.equal(reader.read(pods, never, changed.resolve).coordinator?.step, 1)
      assert.equal(reader.read(pods, never, unexpectedChange).coordinator?.step, 1)
      slow.resolve()
      await changed.promise
      assert.deepEqual([reader.read(pods, never, unexpectedChange).coordinator?.step, requests()], [2, 2])
    },
    clock,
  )
})
