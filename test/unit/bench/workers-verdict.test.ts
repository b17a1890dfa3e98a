import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { fitOn, simulatePoint } from '../../../bench/workers/fit.ts'
import type { Point } from '../../../bench/workers/point.ts'
import { type Compared, idealOf, isFullAt, verdictsOf } from '../../../bench/workers/verdict.ts'

const point = (more: Partial<Point> = {}): Point => ({
  workers: 1,
  servers: 1,
  stepsPerSecond: 0.9,
  waitedSeconds: 1,
  serverCpuSeconds: 0.01,
  workerCpuSeconds: 0.005,
  serverBusy: 0.1,
  pushP99Seconds: 0.1,
  staleness: { mean: 0, p99: 0 },
  residentBytes: 1e8,
  ...more,
})
const compared = (more: Partial<Compared> = {}): Compared => ({
  ...point(),
  idealStepsPerSecond: 1,
  isFull: false,
  simulated: { stepsPerSecond: 0.9, staleness: { mean: 0, p99: 0, max: 0 } },
  isFitted: false,
  allowedBytes: 2e8,
  ...more,
})
const kept = (...points: Compared[]) => verdictsOf(points).map((verdict) => verdict.kept)
const simulated = (stepsPerSecond: number) => ({ stepsPerSecond, staleness: { mean: 0, p99: 0, max: 0 } })

suite('the verdict of bench:workers', () => {
  test('requires nine tenths of the ideal before the servers are full', () => {
    assert.deepEqual(kept(compared({ stepsPerSecond: 0.9 })), [true, true, true])
    assert.equal(kept(compared({ stepsPerSecond: 0.89 }))[0], false)
    assert.equal(kept(compared(), compared({ stepsPerSecond: 0.5, isFull: true, simulated: simulated(0.5) }))[0], true)
  })

  test('requires a simulation within a fifth of every point that it was not fitted on', () => {
    assert.equal(kept(compared({ simulated: simulated(1.08) }))[1], true)
    assert.equal(kept(compared({ simulated: simulated(1.09) }))[1], false)
    assert.equal(kept(compared({ simulated: simulated(0.71) }))[1], false)
    assert.equal(kept(compared(), compared({ simulated: simulated(2), isFitted: true }))[1], true)
  })

  test('requires memory within what the simulation allows', () => {
    assert.equal(kept(compared({ residentBytes: 2.1e8 }))[2], false)
  })
})

test('the ideal is the number of workers over a wait and the exchange of one worker alone', () => {
  const alone = point({ stepsPerSecond: 0.8, waitedSeconds: 1 })
  assert.equal(idealOf(point({ workers: 10, waitedSeconds: 0.75 }), alone), 10)
})

test('servers are full where the ideal would take more than four fifths of them', () => {
  assert.equal(isFullAt(8, { workers: 10, servers: 1 }, 0.1), false)
  assert.equal(isFullAt(9, { workers: 10, servers: 1 }, 0.1), true)
  assert.equal(isFullAt(9, { workers: 10, servers: 2 }, 0.1), false)
})

test('the fitted simulator repeats the two points that it was fitted on', () => {
  const alone = point({ stepsPerSecond: 1 / 1.08 })
  const full = point({ workers: 50, stepsPerSecond: 1 / 0.06 })
  const fitted = fitOn(alone, full, 0.001)
  for (const one of [alone, full]) {
    const { stepsPerSecond } = simulatePoint(one, 1, fitted)
    assert.ok(Math.abs(stepsPerSecond / one.stepsPerSecond - 1) < 0.03, `${stepsPerSecond} of ${one.stepsPerSecond}`)
  }
})
