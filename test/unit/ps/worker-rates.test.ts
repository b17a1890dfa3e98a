import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkerRates } from '../../../src/ps/worker-rates.ts'

const SECOND = 1000

function pushing(intervals: readonly number[], untilMs: number): WorkerRates {
  const rates = new WorkerRates()
  intervals.forEach((intervalMs, worker) => {
    for (let atMs = intervalMs; atMs <= untilMs; atMs += intervalMs) rates.record(worker, worker, atMs)
  })
  return rates
}

test('pushes, staleness and the last push are those of each worker', () => {
  const list = pushing([SECOND, 2 * SECOND], 10 * SECOND).list(10 * SECOND)
  assert.deepEqual(
    list.map(({ slowness: _, ...rest }) => rest),
    [
      { worker: 0, pushes: 10, stalenessSum: 0, lastPushSeconds: 10 },
      { worker: 1, pushes: 5, stalenessSum: 5, lastPushSeconds: 10 },
    ],
  )
})

test('a worker is as slow as its interval is longer than the median, whatever the slowest one does', () => {
  const slowness = (slowest: number) =>
    pushing([SECOND, SECOND, SECOND, 3 * SECOND, slowest], 60 * SECOND)
      .list(60 * SECOND)
      .map((one) => one.slowness?.toFixed(1))
  assert.deepEqual(slowness(5 * SECOND), ['1.0', '1.0', '1.0', '3.0', '5.0'])
  assert.deepEqual(slowness(20 * SECOND), ['1.0', '1.0', '1.0', '3.0', '20.0'])
})

test('a worker that has stopped becomes slower, and those that go on do not change', () => {
  const rates = pushing([SECOND, SECOND], 10 * SECOND)
  for (let atMs = 11 * SECOND; atMs <= 20 * SECOND; atMs += SECOND) rates.record(0, 0, atMs)
  assert.deepEqual(
    rates.list(20 * SECOND).map(({ slowness }) => slowness),
    [1, 10],
  )
})

test('a worker that has said goodbye is not shown and makes no other one look fast or slow', () => {
  const rates = pushing([SECOND, 2 * SECOND, 2 * SECOND], 10 * SECOND)
  rates.leave(1)
  rates.leave(7)
  const shown = rates.list(10 * SECOND).map(({ worker, slowness }) => [worker, slowness])
  assert.deepEqual(shown, [
    [0, 1],
    [2, 2],
  ])
})

test('the next pod of a worker that left continues its counts, and its absence is no slowness', () => {
  const rates = pushing([SECOND], 10 * SECOND)
  rates.leave(0)
  rates.record(0, 0, 90 * SECOND)
  assert.deepEqual(rates.list(90 * SECOND), [
    { worker: 0, pushes: 11, stalenessSum: 0, lastPushSeconds: 90, slowness: undefined },
  ])
  rates.record(0, 0, 92 * SECOND)
  assert.equal(rates.list(92 * SECOND)[0]?.slowness, 1)
})

test('nothing is said of a worker before its second push', () => {
  const rates = new WorkerRates()
  rates.record(3, 0, SECOND)
  assert.deepEqual(rates.list(2 * SECOND), [
    { worker: 3, pushes: 1, stalenessSum: 0, lastPushSeconds: 1, slowness: undefined },
  ])
})
