import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingTime } from '../../../src/metrics/waiting-time.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'

test('a wait counts while it is under way, and once when it has ended', async (t) => {
  let nowMs = 1_000
  t.mock.method(performance, 'now', () => nowMs)
  const time = new WaitingTime()
  const { promise, resolve } = Promise.withResolvers<string>()
  const result = time.during(promise)
  nowMs += 2_000
  assert.equal(time.seconds(), 2)
  nowMs += 1_000
  resolve('batch')
  assert.equal(await result, 'batch')
  nowMs += 9_000
  assert.equal(time.seconds(), 3)
})

test('a wait that fails counts, and its error passes through', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const time = new WaitingTime()
  const failing = time.during(Promise.reject(new Error('gone')))
  nowMs = 500
  await assert.rejects(failing, /gone/)
  assert.equal(time.seconds(), 0.5)
})

test('a worker that waits for data without end shows it at each scrape', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const { registry, waits } = createWorkerMetrics({ tensors: () => 0 })
  void waits.data.during(new Promise(() => {}))
  nowMs = 4_000
  assert.match(await registry.metrics(), /^downpour_worker_data_wait_seconds_total 4$/m)
  nowMs = 6_000
  assert.match(await registry.metrics(), /^downpour_worker_data_wait_seconds_total 6$/m)
  assert.match(await registry.metrics(), /^downpour_worker_exchange_seconds_total\{operation="pull"\} 0$/m)
})
