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
  const limits = { timeoutMs: 500, maxBytes: 20_000 }
  try {
    await check(new ReportReader({ log: silentLog, clock, freshMs: 1000, port, ...limits }), () => asked)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const pods = [pod('ps', 0, here)]

/** What is known once the pod has answered with something new. */
async function readPs(reader: ReportReader) {
  const news = Promise.withResolvers<void>()
  reader.read(pods, never, news.resolve)
  await news.promise
  return reader.read(pods, never, noNews).coordinator
}

const noNews = () => assert.fail('there was no news')

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
  const read = (ended: PodFacts[]) => reader.read(ended, never, noNews)
  const [ps, judge] = [coordinator({ phase: 'done' }), evaluator(1000, { top1: 0.5 })]
  const ended = [
    succeeded('ps', 0, { terminationMessage: JSON.stringify(ps) }),
    succeeded('evaluator', 0, { terminationMessage: JSON.stringify(judge) }),
  ]
  assert.deepEqual(read(ended), { coordinator: ps, evaluator: judge })
  const torn = [succeeded('ps', 0, { terminationMessage: JSON.stringify(ps).slice(0, 40) })]
  assert.deepEqual(read(torn), { coordinator: undefined, evaluator: undefined })
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
  test(`${name} counts as no answer, also after a good one`, async () => {
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

test('an answer is not asked for again within its time, and one that says the same is no news', async () => {
  const clock = new FakeClock()
  let news = 0
  await withServer(
    (_, response) => response.end(JSON.stringify(coordinator())),
    async (reader, asked) => {
      await readPs(reader)
      reader.read(pods, never, noNews)
      assert.equal(asked(), 1)
      await eventually(async () => {
        await clock.advance(1001)
        reader.read(pods, never, () => news++)
        assert.equal(asked(), 3)
      })
      assert.equal(news, 0)
    },
    clock,
  )
})

test('nobody waits for a pod that takes its time: until it says something else, what it said last is true', async () => {
  const clock = new FakeClock()
  const slow = Promise.withResolvers<void>()
  let step = 1
  const answer = () => JSON.stringify(coordinator({ step }))
  await withServer(
    (_, response) => void (step === 1 ? Promise.resolve() : slow.promise).then(() => response.end(answer())),
    async (reader, asked) => {
      assert.equal((await readPs(reader))?.step, 1)
      await clock.advance(1001)
      step = 2
      const news = Promise.withResolvers<void>()
      assert.equal(reader.read(pods, never, news.resolve).coordinator?.step, 1)
      assert.equal(reader.read(pods, never, noNews).coordinator?.step, 1)
      slow.resolve()
      await news.promise
      assert.deepEqual([reader.read(pods, never, noNews).coordinator?.step, asked()], [2, 2])
    },
    clock,
  )
})
