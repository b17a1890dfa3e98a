import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LabelScores } from '../../../src/scores/label-scores.ts'

/** 0 is the parent of 1 and 2; 3 stands alone. */
const TREE = [{ parents: [] }, { parents: [0] }, { parents: [0] }, { parents: [] }]

test('scores of labels and their ranking give the same numbers', () => {
  const image = fc.record({
    scores: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 4, maxLength: 4 }),
    right: fc.subarray([0, 1, 2, 3]),
  })
  fc.assert(
    fc.property(fc.array(image, { maxLength: 5 }), fc.constantFrom(TREE, undefined), (images, tree) => {
      const [byScores, byRanking] = [new LabelScores(tree), new LabelScores(tree)]
      for (const { scores, right } of images) {
        byScores.addScores(scores, right)
        const ranked = [0, 1, 2, 3].sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
        byRanking.addRanking(ranked, right)
      }
      assert.deepEqual(byScores.result(), byRanking.result())
    }),
  )
})

test('an image with inner labels alone has no leaf average precision', () => {
  const scores = new LabelScores(TREE)
  scores.addRanking([0, 1, 2, 3], [0])
  assert.deepEqual(scores.result(), { 'mAP@100': 1, 'leafMAP@100': Number.NaN, 'weightedMAP@100': 1 })
})
