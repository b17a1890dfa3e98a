import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { leavesOf, MeanAveragePrecision } from '../../../src/scores/mean-average-precision.ts'

function precisionOf(ranked: readonly number[], right: readonly number[], weights?: (label: number) => number): number {
  const images = new MeanAveragePrecision()
  images.add(ranked, right)
  return images.result(weights)
}

suite('average precision of an image', () => {
  test('sums the precision at each right label and divides by the number of right labels', () => {
    assert.equal(precisionOf([7, 1, 3], [7, 3]), (1 / 1 + 2 / 3) / 2)
    assert.equal(precisionOf([1, 2], [9]), 0)
    assert.equal(precisionOf([4], [4, 5]), 1 / 2)
    assert.equal(precisionOf([4, 5], [5, 4, 4]), 1)
  })

  test('ends after 100 labels', () => {
    const ranked = Array.from({ length: 150 }, (_, i) => i)
    assert.equal(precisionOf(ranked, [99]), 1 / 100)
    assert.equal(precisionOf(ranked, [100]), 0)
    assert.equal(precisionOf(ranked, [0, 120]), 1 / 2)
  })

  test('weighs labels, and equals the formula of paper.md §4.9 on random rankings', () => {
    const ranking = fc.shuffledSubarray([...Array(30).keys()])
    const labels = fc.uniqueArray(fc.nat(29), { minLength: 1, maxLength: 8 })
    const weights = fc.array(fc.double({ min: 0.1, max: 5, noNaN: true }), { minLength: 30, maxLength: 30 })
    fc.assert(
      fc.property(ranking, labels, weights, (ranked, right, w) => {
        let numerator = 0
        for (let k = 1; k <= ranked.length; k++) {
          const isRight = right.includes(ranked[k - 1] as number)
          const hits = ranked.slice(0, k).filter((label) => right.includes(label)).length
          if (isRight) numerator += ((w[ranked[k - 1] as number] as number) * hits) / k
        }
        const expected = numerator / right.reduce((sum, label) => sum + (w[label] as number), 0)
        assert.ok(Math.abs(precisionOf(ranked, right, (label) => w[label] as number) - expected) < 1e-12)
      }),
    )
  })
})

suite('the mean', () => {
  test('leaves out an image without right labels, and is NaN without any image', () => {
    const images = new MeanAveragePrecision()
    images.add([1, 2], [])
    assert.ok(Number.isNaN(images.result()))
    images.add([1, 2], [1])
    assert.equal(images.result(), 1)
  })

  test('leaves out an image whose labels all weigh nothing', () => {
    const images = new MeanAveragePrecision()
    images.add([1], [1])
    images.add([1], [2])
    assert.equal(
      images.result((label) => (label === 1 ? 3 : 0)),
      1,
    )
  })

  test('counts how many images a label is right for', () => {
    const images = new MeanAveragePrecision()
    images.add([], [1, 2, 2])
    images.add([], [2])
    assert.deepEqual(
      images.popularity(),
      new Map([
        [1, 1],
        [2, 2],
      ]),
    )
  })
})

test('leaves are the labels without children', () => {
  assert.deepEqual(leavesOf([{ parents: [] }, { parents: [0] }, { parents: [0, 1] }, { parents: [] }]), [2, 3])
})

test('a label that stands in a ranking twice is refused: it would be found twice', () => {
  const scores = new MeanAveragePrecision()
  assert.throws(() => scores.add([3, 5, 3], [3]), { code: 'SCORES_INVALID', message: /^label 3: / })
})
