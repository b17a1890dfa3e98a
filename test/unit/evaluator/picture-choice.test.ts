import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Sketches } from '../../../src/contract/sketch.ts'
import { PictureChoice } from '../../../src/evaluator/picture-choice.ts'

const NOTHING = { type: 'classes', classes: [] } as const
const sketches = (score: number | undefined): Sketches => ({ score, truth: NOTHING, prediction: NOTHING })

function chosen(scores: readonly (number | undefined)[]) {
  const choice = new PictureChoice()
  for (const [i, score] of scores.entries()) choice.add(`picture ${i}`, sketches(score))
  return choice.result().map(({ rank, id, score }) => ({ rank, id, score }))
}

suite('the pictures of a report', () => {
  test('are the two worst, two in the middle and the two best, worst first', () => {
    assert.deepEqual(
      chosen([0.5, 0.9, 0.1, 0.4, 0.3, 0.8, 0.2, 0.6]).map(({ rank, score }) => `${rank} ${score}`),
      ['worst 0.1', 'worst 0.2', 'median 0.4', 'median 0.5', 'best 0.8', 'best 0.9'],
    )
  })

  test('are exact at both ends and near the median, in any order, and each is shown once', () => {
    const any = fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }), { maxLength: 200 })
    fc.assert(
      fc.property(any, (scores) => {
        const ranked = scores.filter((score) => score !== undefined).sort((a, b) => a - b)
        const found = chosen(scores)
        const of = (rank: string) => found.flatMap((one) => (one.rank === rank ? [one.score] : []))
        assert.equal(new Set(found.map(({ id }) => id)).size, found.length)
        assert.equal(found.length, Math.min(ranked.length, 6))
        assert.deepEqual(of('best'), ranked.slice(-2))
        assert.deepEqual(of('worst'), ranked.slice(0, Math.max(0, Math.min(2, ranked.length - 2))))
        assert.deepEqual(
          found.map(({ score }) => score),
          found.map(({ score }) => score).sort((a, b) => a - b),
        )
        if (ranked.length > 32) return // beyond the sample the median is near, but not exact
        const inner = ranked.slice(2, -2)
        const middle = ranked[Math.floor(ranked.length / 2)] as number
        const nearest = inner.map((score) => Math.abs(score - middle)).sort((a, b) => a - b)
        assert.deepEqual(
          of('median')
            .map((score) => Math.abs(score - middle))
            .sort((a, b) => a - b),
          nearest.slice(0, 2),
        )
      }),
    )
  })

  test('are of each rank even if all scores are equal', () => {
    const ranks = chosen([0, 0, 0, 0, 0, 0, 0]).map(({ rank }) => rank)
    assert.deepEqual(ranks, ['worst', 'worst', 'median', 'median', 'best', 'best'])
  })

  test('have the samples of a picture together, with their mean score', () => {
    const choice = new PictureChoice()
    for (const [id, score] of [
      ['a', 0.2],
      ['a', 0.4],
      ['a', undefined],
      ['b', Number.NaN],
      ['c', 0.6],
    ] as const)
      choice.add(id, sketches(score))
    const found = choice.result().map(({ id, score, samples }) => [id, score.toFixed(3), samples.length])
    assert.deepEqual(found, [
      ['a', '0.300', 3],
      ['c', '0.600', 1],
    ])
  })

  test('of 100,000 are chosen in less than two seconds', () => {
    const startedMs = performance.now()
    const found = chosen(Array.from({ length: 100_000 }, (_, i) => ((i * 7919) % 100_003) / 100_003))
    assert.ok(performance.now() - startedMs < 2_000)
    const medians = found.filter(({ rank }) => rank === 'median').map(({ score }) => score)
    for (const score of medians) assert.ok(Math.abs(score - 0.5) < 0.15, `${score}`)
  })
})
