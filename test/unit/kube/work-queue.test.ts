import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KubeError } from '../../../src/kube/errors.ts'
import { type HandlerResult, WorkQueue, type WorkQueueOptions } from '../../../src/kube/work-queue.ts'
import { silentLog } from '../../../src/support/log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordedLog } from '../../support/recorded-log.ts'

/** Makes a queue whose handlers end when the test resolves or rejects them. */
function setup(options: Partial<WorkQueueOptions> = {}) {
  const clock = new FakeClock()
  const started: string[] = []
  const running = new Map<string, PromiseWithResolvers<HandlerResult | undefined>>()
  const queue = new WorkQueue({
    name: 'test',
    concurrency: 2,
    log: silentLog,
    clock,
    random: () => 1,
    handler: (key) => {
      assert.ok(!running.has(key), `${key} is handled twice at once`)
      started.push(key)
      const run = Promise.withResolvers<HandlerResult | undefined>()
      running.set(key, run)
      return run.promise
    },
    ...options,
  })
  const end = async (key: string, how: HandlerResult | Error = {}) => {
    const run = running.get(key)
    running.delete(key)
    if (how instanceof Error) run?.reject(how)
    else run?.resolve(how)
    await clock.advance(0)
  }
  return { queue, clock, started, running, end }
}

test('a waiting key is in the queue once, at the position of its first addition', () => {
  const { queue, started } = setup({ concurrency: 1 })
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  assert.equal(queue.depth, 3)
  queue.start()
  assert.deepEqual(started, ['a'])
})

test('the number of keys that are handled at once is limited', async () => {
  const { queue, started, end } = setup({ concurrency: 2 })
  queue.start()
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
  assert.deepEqual(started, ['a', 'b'])
  await end('a')
  assert.deepEqual(started, ['a', 'b', 'c'])
})

test('a key added while it is handled is handled once more afterwards', async () => {
  const { queue, started, end } = setup()
  queue.start()
  for (const key of ['a', 'a', 'a']) queue.add(key)
  assert.deepEqual(started, ['a'])
  await end('a')
  assert.deepEqual(started, ['a', 'a'])
  await end('a')
  assert.deepEqual(started, ['a', 'a'])
})

test('a failing key is requeued after 5 ms, then after twice the time up to a limit, until it succeeds', async () => {
  const { queue, clock, started, end } = setup({ maxDelayMs: 30 })
  queue.start()
  queue.add('a')
  for (const [nth, delayMs] of [5, 10, 20, 30, 30].entries()) {
    await end('a', new Error('no'))
    assert.equal(queue.failures('a'), nth + 1)
    await clock.advance(delayMs - 1)
    assert.equal(started.length, nth + 1)
    await clock.advance(1)
    assert.equal(started.length, nth + 2)
  }
  await end('a')
  assert.equal(queue.failures('a'), 0)
  queue.add('a')
  await end('a', new Error('no'))
  await clock.advance(5)
  assert.equal(started.length, 8)
})

test('the back-off is random between half and all of its length', async () => {
  const { queue, clock, started, end } = setup({ baseDelayMs: 100, random: () => 0 })
  queue.start()
  queue.add('a')
  await end('a', new Error('no'))
  await clock.advance(49)
  assert.equal(started.length, 1)
  await clock.advance(1)
  assert.equal(started.length, 2)
})

test('an added key does not wait for its back-off, and its failures stay counted', async () => {
  const { queue, clock, started, end } = setup({ baseDelayMs: 1000 })
  queue.start()
  queue.add('a')
  await end('a', new Error('no'))
  queue.add('a')
  assert.equal(started.length, 2)
  assert.equal(queue.failures('a'), 1)
  await end('a')
  await clock.advance(1000)
  assert.equal(started.length, 3, 'the delayed requeue still runs')
})

test('a key whose error has Retry-After is requeued after that time', async () => {
  const { queue, clock, started, end } = setup()
  queue.start()
  queue.add('a')
  await end('a', new KubeError('KUBE_TOO_MANY_REQUESTS', '', { httpStatus: 429, reason: '', retryAfterSeconds: 7 }))
  await clock.advance(7_000)
  assert.equal(started.length, 1)
  await clock.advance(5)
  assert.equal(started.length, 2)
})

test('a key can be requeued later; the earliest of several times counts', async () => {
  const { queue, clock, started, end } = setup()
  queue.start()
  queue.add('a')
  await end('a', { requeueAfterMs: 500 })
  queue.addAfter('a', 100)
  queue.addAfter('a', 900)
  await clock.advance(99)
  assert.equal(started.length, 1)
  await clock.advance(1)
  assert.equal(started.length, 2)
  await end('a')
  await clock.advance(10_000)
  assert.equal(started.length, 2)
})

test('a forgotten key has neither back-off nor delayed requeue', async () => {
  const { queue, clock, started, end } = setup()
  queue.start()
  queue.add('a')
  await end('a', new Error('no'))
  queue.forget('a')
  assert.equal(queue.failures('a'), 0)
  await clock.advance(10_000)
  assert.equal(started.length, 1)
  assert.equal(clock.sleeping, 0)
})

test('a handler that throws synchronously counts as failed', async () => {
  const { queue, clock } = setup({
    handler: () => {
      throw new Error('at once')
    },
  })
  queue.start()
  queue.add('a')
  await clock.advance(0)
  assert.equal(queue.failures('a'), 1)
})

test('draining waits for running handlers and starts no others', async () => {
  const { queue, clock, started, end } = setup()
  queue.start()
  for (const key of ['a', 'b', 'c', 'a']) queue.add(key)
  queue.addAfter('d', 10)
  let drained = false
  const draining = queue.drain(1000).then(() => {
    drained = true
  })
  queue.add('e')
  queue.addAfter('f', 1)
  await end('a', { requeueAfterMs: 1 })
  await clock.advance(50)
  assert.equal(drained, false)
  await end('b', new Error('no'))
  await draining
  assert.deepEqual(started, ['a', 'b'])
  assert.equal(queue.depth, 0)
  assert.equal(clock.sleeping, 0)
})

test('a drain that takes too long aborts the handlers', async () => {
  const { queue, clock } = setup({
    handler: (_key, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
  })
  queue.start()
  queue.add('a')
  const draining = queue.drain(1000)
  await clock.advance(1000)
  await draining
})

test('an observer receives depth, additions, waits, durations and retries', async () => {
  const seen: string[] = []
  const { queue, clock, end } = setup({
    concurrency: 1,
    observer: {
      depth: (keys) => seen.push(`depth ${keys}`),
      added: () => seen.push('added'),
      started: (ms) => seen.push(`waited ${ms}`),
      finished: (outcome, ms) => seen.push(`${outcome} after ${ms}`),
      retried: (ms) => seen.push(`again in ${ms}`),
    },
  })
  queue.add('a')
  await clock.advance(3)
  queue.start()
  await clock.advance(4)
  await end('a', new Error('no'))
  assert.deepEqual(seen, ['added', 'depth 1', 'depth 0', 'waited 3', 'again in 5', 'error after 4'])
})

type Step =
  | { do: 'add'; key: string }
  | { do: 'addAfter'; key: string; ms: number }
  | { do: 'end'; nth: number; fails: boolean }
  | { do: 'wait'; ms: number }

const keys = fc.constantFrom('a', 'b', 'c', 'd')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: keys }),
  fc.record({ do: fc.constant('addAfter' as const), key: keys, ms: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant('end' as const), nth: fc.nat(3), fails: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 60 }) }),
)

test('after random operations no key was handled twice at once and none is lost', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 1, max: 3 }),
    async (steps, concurrency) => {
      // `setup` fails the test if a key is handled twice at once.
      const { queue, clock, running, started, end } = setup({ concurrency })
      /** How many runs had started when each key was last added: a later run must handle it. */
      const owed = new Map<string, number>()
      queue.start()
      for (const one of steps) {
        if (one.do === 'add' || one.do === 'addAfter') {
          owed.set(one.key, started.length)
          if (one.do === 'add') queue.add(one.key)
          else queue.addAfter(one.key, one.ms)
        } else if (one.do === 'wait') {
          await clock.advance(one.ms)
        } else {
          const key = [...running.keys()][one.nth]
          if (key !== undefined) {
            if (one.fails) owed.set(key, started.length)
            await end(key, one.fails ? new Error('no') : {})
          }
        }
        assert.ok(running.size <= concurrency)
      }
      while (running.size > 0 || clock.sleeping > 0) {
        for (const key of [...running.keys()]) await end(key)
        await clock.advance(100_000)
      }
      for (const [key, since] of owed) {
        assert.ok(started.lastIndexOf(key) >= since, `${key} was added and not handled afterwards`)
      }
      assert.equal(queue.depth, 0)
    },
  )
  await fc.assert(property, { numRuns: 150 })
})

test('a repeated failure is logged once, until another failure or a success', async () => {
  const log = recordedLog()
  const { queue, clock, end } = setup({ log, maxDelayMs: 5 })
  queue.start()
  queue.add('a')
  for (const problem of ['no', 'no', 'no', 'never', 'never']) {
    await end('a', new Error(problem))
    await clock.advance(5)
  }
  await end('a')
  queue.add('a')
  await end('a', new Error('never'))
  assert.deepEqual(
    log.lines.map((line) => line.replace(/.*: /, '')),
    ['no', 'never', 'never'],
  )
})
