import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfusionMatrix } from '../../../src/scores/mean-iou.ts'

test('mean IoU counts every pixel of all masks but void ones, in one matrix', () => {
  const matrix = new ConfusionMatrix(3)
  matrix.add(Uint8Array.of(0, 0, 1, 255), Uint8Array.of(0, 1, 1, 2))
  matrix.add(Uint8Array.of(1, 1), Uint8Array.of(1, 0))
  const { mean, byClass, pixelAccuracy } = matrix.result()
  // class 0: 1 right, 2 in the truth, 2 predicted; class 1: 2 right, 3 in the truth, 3 predicted; class 2 nowhere.
  assert.deepEqual([...byClass], [1 / 3, 2 / 4, Number.NaN])
  assert.equal(mean, (1 / 3 + 2 / 4) / 2)
  assert.equal(pixelAccuracy, 3 / 5)
})

test('masks of different sizes, and classes past the last, are refused', () => {
  const matrix = new ConfusionMatrix(2)
  assert.throws(() => matrix.add(Uint8Array.of(0, 1), Uint8Array.of(0)), { code: 'MASK_SIZE' })
  assert.throws(() => matrix.add(Uint8Array.of(2), Uint8Array.of(0)), { code: 'MASK_CLASS' })
  assert.throws(() => matrix.add(Uint8Array.of(0), Uint8Array.of(255)), { code: 'MASK_CLASS' })
})
