import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { bestFirst, suppress } from '../../../../src/models/faster-rcnn/suppress.ts'
import { silentLog } from '../../../../src/support/log.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { selectBackend } from '../../../../src/tensor/backend.ts'
import { tf } from '../../../../src/tensor/tf.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

const ALL = Number.NEGATIVE_INFINITY

test('best first is a stable sort by descending score, cut to a number', () => {
  const score = fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(0, -0, 1, -1, 1e-40, -1e-40))
  fc.assert(
    fc.property(fc.array(score, { maxLength: 40 }), fc.nat(45), (given, keep) => {
      const scores = Float32Array.from(given)
      const indices = given.map((_, i) => i).filter((i) => (scores[i] as number) > ALL)
      const expected = indices.sort((a, b) => (scores[b] as number) - (scores[a] as number)).slice(0, keep)
      assert.deepEqual(bestFirst(scores, { keep, least: ALL }), expected)
    }),
  )
})

test('scores that are not above the least are left out, and so is NaN', () => {
  assert.deepEqual(bestFirst(Float32Array.of(Number.NaN, 0.5, 0.25, 0.9), { keep: 9, least: 0.25 }), [3, 1])
  assert.deepEqual(bestFirst(Float32Array.of(Number.NaN, Number.NaN), { keep: 9, least: ALL }), [])
})

test('the views of a longer array are sorted, not its beginning', () => {
  assert.deepEqual(bestFirst(Float32Array.of(9, 9, 1, 3, 2).subarray(2), { keep: 2, least: ALL }), [1, 2])
})

test('more scores than a key can number are refused', () => {
  assert.throws(() => bestFirst(new Float32Array(2 ** 21 + 1), { keep: 1, least: ALL }), RangeError)
})

test('suppression keeps the boxes that the operation of tfjs keeps', () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = createRandom(seed)
    const count = 20 * seed
    const boxes = new Float32Array(4 * count)
    for (let i = 0; i < count; i++) {
      const [y, x, h, w] = [random.next(), random.next(), random.next() / 2 + 0.01, random.next() / 2 + 0.01]
      boxes.set([y, x, y + h, x + w], 4 * i)
    }
    const scores = Float32Array.from({ length: count }, () => random.normal())
    const [maxIou, keep] = [0.2 + 0.6 * random.next(), 1 + random.int(count)]
    const ours = suppress(boxes, bestFirst(scores, { keep: count, least: ALL }), maxIou, keep)
    const theirs = tf.tidy(() => [
      ...tf.image.nonMaxSuppression(tf.tensor2d(boxes, [count, 4]), tf.tensor1d(scores), keep, maxIou, ALL).dataSync(),
    ])
    assert.deepEqual(ours, theirs, `seed ${seed}`)
  }
})
