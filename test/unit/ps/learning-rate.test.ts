import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LearningRate } from '../../../src/contract/training.ts'
import { learningRateAt } from '../../../src/ps/learning-rate.ts'
import { StalenessHistogram } from '../../../src/ps/staleness.ts'

const at = (schedule: LearningRate, step: number, maxSteps = 100) => learningRateAt(schedule, step, maxSteps)

test('the JFT schedule falls from 1e-3 by 0.9 every 3 million steps to 2.82e-4 at 36 million', () => {
  const jft: LearningRate = { type: 'exponential', initial: 1e-3, factor: 0.9, everySteps: 3_000_000, staircase: true }
  assert.equal(at(jft, 0), 1e-3)
  assert.equal(at(jft, 2_999_999), 1e-3)
  assert.equal(at(jft, 3_000_000), 1e-3 * 0.9)
  assert.equal(at(jft, 36_000_000).toPrecision(3), '0.000282')
})

test('an exponential rate without a staircase falls at every step', () => {
  const smooth: LearningRate = { type: 'exponential', initial: 1, factor: 0.25, everySteps: 10, staircase: false }
  assert.equal(at(smooth, 5), 0.5)
  assert.equal(at(smooth, 10), 0.25)
})

test('a boundary of a piecewise rate belongs to the interval before it, as in tf.train.piecewise_constant', () => {
  const steps: LearningRate = { type: 'piecewise', boundaries: [10, 20], values: [3, 2, 1] }
  assert.deepEqual(
    [0, 10, 11, 20, 21, 99].map((step) => at(steps, step)),
    [3, 3, 2, 2, 1, 1],
  )
})

test('a polynomial rate falls to zero at the last step and stays there', () => {
  const poly: LearningRate = { type: 'poly', initial: 0.007, power: 0.9 }
  assert.equal(at(poly, 0), 0.007)
  assert.ok(Math.abs(at(poly, 50) - 0.007 * 0.5 ** 0.9) < 1e-12)
  assert.deepEqual([at(poly, 100), at(poly, 150)], [0, 0])
})

test('a rate grows linearly over warmupSteps, in every schedule, and is the schedule afterwards', () => {
  const schedules: LearningRate[] = [
    { type: 'constant', initial: 0.1 },
    { type: 'exponential', initial: 0.1, factor: 0.5, everySteps: 10, staircase: false },
    { type: 'piecewise', boundaries: [10], values: [0.1, 0.01] },
    { type: 'poly', initial: 0.1, power: 0.9 },
  ]
  for (const schedule of schedules) {
    const warm = { ...schedule, warmupSteps: 20 }
    for (const step of [0, 1, 9, 18])
      assert.equal(at(warm, step), at(schedule, step) * ((step + 1) / 20), schedule.type)
    for (const step of [19, 20, 50]) assert.equal(at(warm, step), at(schedule, step), schedule.type)
    assert.equal(at({ ...schedule, warmupSteps: 0 }, 0), at(schedule, 0))
  }
})

test('a constant rate is the same at every step', () => {
  assert.equal(at({ type: 'constant', initial: 0.1 }, 12_345), 0.1)
})

test('the staleness histogram gives mean, 99th percentile and maximum, also beyond its last bucket', () => {
  const histogram = new StalenessHistogram()
  assert.deepEqual(histogram.summary(), { mean: 0, p99: 0, max: 0 })
  for (let i = 0; i < 99; i++) histogram.add(2)
  histogram.add(5000)
  assert.deepEqual(histogram.summary(), { mean: (99 * 2 + 5000) / 100, p99: 2, max: 5000 })
  histogram.add(5000)
  assert.equal(histogram.summary().p99, 1000, 'the percentile ends at the last bucket')
})
