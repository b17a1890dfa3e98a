import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInput } from '../../../../src/tasks/object-count/input.ts'
import { createScorer } from '../../../../src/tasks/object-count/score.ts'

test('the errors are means of absolute and squared differences over the images of all batches', () => {
  const scorer = createScorer()
  scorer.add([1.5, 2], [{ count: 1 }, { count: 4 }])
  scorer.add([3], [{ count: 3 }])
  assert.deepEqual(scorer.result(), { meanAbsoluteError: 2.5 / 3, loss: 4.25 / 3 })
})

test('the target is the number of objects in the record; two objects of a class count twice', () => {
  const { evaluate } = createInput({ resizePixels: 8, cropPixels: 8 })
  const picture = { rgb: new Uint8Array(8 * 8 * 3), height: 8, width: 8 }
  const targets = (annotation: { labels: number[]; truth?: number[] }) =>
    [...evaluate({ id: 'a', picture, annotation })].map(({ target }) => target)
  assert.deepEqual(targets({ labels: [7, 0], truth: [7, 7] }), [{ count: 2 }])
  assert.throws(() => targets({ labels: [7, 0] }), { code: 'BAD_DATA' })
})
