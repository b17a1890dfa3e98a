import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TopAccuracy, topK } from '../../../src/scores/top-k.ts'

test('equal values are ranked by the lower index', () => {
  assert.deepEqual(topK(Float32Array.of(1, 3, 3, 2, 3), 3), [1, 2, 4])
  assert.deepEqual(topK([0, 0, 0], 2), [0, 1])
})

test('the k largest values equal those of a full sort, with ties and with fewer values than k', () => {
  const values = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })), { maxLength: 40 })
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 12 }), (raw, k) => {
      const floats = Float32Array.from(raw)
      const value = (i: number) => floats[i] as number
      const larger = (a: number, b: number) => (value(a) === value(b) ? a - b : value(b) > value(a) ? 1 : -1)
      assert.deepEqual(topK(floats, k), [...floats.keys()].sort(larger).slice(0, k))
    }),
  )
})

test('NaN is ranked last', () => {
  assert.deepEqual(topK(Float32Array.of(Number.NaN, -5, Number.NaN, 2), 3), [3, 1, 0])
})

test('accuracy is the share of images whose label is the first, or among the first five', () => {
  const accuracy = new TopAccuracy()
  assert.ok(Number.isNaN(accuracy.result().top1))
  accuracy.add([4, 2, 9], 4)
  accuracy.add([4, 2, 9], 9)
  accuracy.add([1, 2, 3, 5, 6, 4], 4)
  accuracy.add([], 7)
  assert.deepEqual(accuracy.result(), { top1: 1 / 4, top5: 2 / 4 })
  assert.deepEqual(
    [...accuracy.byLabel()],
    [
      [4, 1 / 2],
      [7, 0],
      [9, 0],
    ],
  )
})
