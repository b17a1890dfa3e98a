/** Policies that make workers wait for each other. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { synchronyOf } from '../../../src/simulate/job-scenario.ts'
import { simulate } from '../../../src/simulate/simulate.ts'
import { near, scenario } from './scenarios.ts'

const VARIED = { computeSeconds: { mean: 1, variation: 0.5 } }

suite('boundedDelay', () => {
  const bounded = (maxDelay: number) =>
    simulate(scenario({ workers: 10, worker: VARIED, synchrony: { type: 'boundedDelay', maxDelay } }))

  test('of 0 lets all workers take each step together, as slowly as the slowest of them', () => {
    const { stepsPerSecond, staleness } = bounded(0)
    // The mean of the largest of ten log-normal times of variation 0.5 is 1.924, by numerical integration.
    near(stepsPerSecond, 10 / 1.924, 0.1)
    assert.ok(staleness.max <= 2 * 9, `staleness ${staleness.max}`)
  })

  test('of many steps costs nothing', () => {
    near(bounded(1000).stepsPerSecond, simulate(scenario({ workers: 10, worker: VARIED })).stepsPerSecond, 1e-9)
  })

  test('is faster the more workers may be apart', () => {
    const rates = [0, 1, 4, 16].map((maxDelay) => bounded(maxDelay).stepsPerSecond)
    assert.deepEqual(
      rates,
      rates.toSorted((a, b) => a - b),
    )
  })
})

suite('syncBackup', () => {
  const gathered = (gradients: number) =>
    simulate(scenario({ workers: 10, worker: VARIED, synchrony: { type: 'syncBackup', gradients } }))

  test('without backups makes one update of the gradients of all workers, and none is stale', () => {
    const { stepsPerSecond, pushesPerSecond, staleness, refusedShare } = gathered(10)
    near(stepsPerSecond, 1 / 1.924, 0.1)
    near(pushesPerSecond, 10 * stepsPerSecond, 0.05)
    assert.equal(staleness.max, 0)
    assert.equal(refusedShare, 0)
  })

  test('with backups does not wait for the slowest ones, whose gradients are refused', () => {
    const { stepsPerSecond, staleness, refusedShare } = gathered(7)
    assert.ok(stepsPerSecond > 1.3 * gathered(10).stepsPerSecond, `${stepsPerSecond}`)
    assert.equal(staleness.max, 0)
    assert.ok(refusedShare > 0.1 && refusedShare < 0.35, `refused ${refusedShare}`)
  })
})

test('only policies that make workers wait are simulated as such', () => {
  assert.equal(synchronyOf({ type: 'async' }, 10), undefined)
  assert.equal(synchronyOf({ type: 'dcAsgd' }, 10), undefined)
  assert.deepEqual(synchronyOf({ type: 'boundedDelay', maxDelay: 3 }, 10), { type: 'boundedDelay', maxDelay: 3 })
  assert.deepEqual(synchronyOf({ type: 'syncBackup', backups: 2 }, 10), { type: 'syncBackup', gradients: 8 })
  assert.deepEqual(synchronyOf({ type: 'syncBackup', backups: 99 }, 10), { type: 'syncBackup', gradients: 1 })
})
