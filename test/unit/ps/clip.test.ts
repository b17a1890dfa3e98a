import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clipByNorm } from '../../../src/ps/clip.ts'
import { body, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const gradient = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 })
const normOf = (values: Iterable<number>) => Math.hypot(...values)

test('a gradient keeps its direction and gets the norm of the limit, or stays as it is', () => {
  fc.assert(
    fc.property(gradient, fc.double({ min: 1e-3, max: 1000, noNaN: true }), (values, limit) => {
      const before = Float32Array.from(values)
      const clipped = before.slice()
      clipByNorm(clipped, limit)
      if (normOf(before) <= limit) return assert.deepEqual(clipped, before)
      assert.ok(Math.abs(normOf(clipped) - limit) < 1e-4 * limit)
      const scale = limit / normOf(before)
      clipped.forEach((value, i) => {
        assert.ok(Math.abs(value - (before[i] as number) * scale) <= 1e-6 * limit)
      })
    }),
  )
})

test('each variable is clipped by its own norm, and statistics are not', () => {
  const config = makeConfig({ gradientClipNorm: 5 })
  const variables = [variable('a', 2), variable('b', 2), variable('m', 1, { kind: 'statistic' })]
  const training = makeTraining(config, variables)
  training.push(worker(0), push(1), body(30, 40, 3, 4, 100))
  assert.deepEqual([...training.shard.weights], [-3, -4, -3, -4, 50])
})

test('the sum of several gradients may have so many times the norm', () => {
  const training = makeTraining(makeConfig({ gradientClipNorm: 5 }), [variable('a', 2)])
  training.push(worker(0), push(1, { batches: 3 }), body(30, 40))
  assert.deepEqual([...training.shard.weights], [-9, -12])
})
