import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from '../../../src/evaluator/tally.ts'
import type { Scorer } from '../../../src/tasks/task.ts'

/** Mean and maximum of the predictions, and the sum of the targets. */
function scorer(): Scorer {
  const seen = { predictions: [] as number[], targets: [] as number[] }
  return {
    add(predictions, targets) {
      seen.predictions.push(...(predictions as number[]))
      seen.targets.push(...(targets as number[]))
    },
    result: () => ({
      mean: seen.predictions.reduce((a, b) => a + b, 0) / seen.predictions.length,
      max: Math.max(...seen.predictions),
      targets: seen.targets.reduce((a, b) => a + b, 0),
    }),
  }
}

test('predictions, targets and ids of the images that are not excluded stay together', () => {
  const tally = new Tally(scorer, new Set(['b', 'd']))
  tally.add([1, 2], { targets: [10, 20], ids: ['a', 'b'] })
  tally.add([3, 4], { targets: [30, 40], ids: ['c', 'd'] })
  assert.deepEqual(tally.result('set'), {
    metrics: { mean: 2.5, max: 4, targets: 100 },
    examples: 4,
    reduced: { metrics: { mean: 2, max: 3, targets: 40 }, examples: 2 },
  })
})

test('a picture with several samples counts once, also where a batch ends between them', () => {
  const tally = new Tally(scorer, new Set(['b']))
  tally.add([1, 2, 3], { targets: [1, 1, 1], ids: ['a', 'a', 'b'] })
  tally.add([4, 5], { targets: [1, 1], ids: ['b', 'c'] })
  const { examples, reduced } = tally.result('set')
  assert.deepEqual([examples, reduced?.examples], [3, 2])
})

test('without a list there are no reduced scores; with an empty one they equal the others', () => {
  const [plain, empty] = [new Tally(scorer, undefined), new Tally(scorer, new Set())]
  for (const tally of [plain, empty]) tally.add([1], { targets: [10], ids: ['a'] })
  const { reduced, ...whole } = empty.result('set')
  assert.deepEqual([plain.result('set'), reduced], [whole, whole])
})

test('a metric that is not finite is left out', () => {
  const tally = new Tally(scorer, undefined)
  tally.add([1, Number.NaN], { targets: [10, Number.POSITIVE_INFINITY], ids: ['a', 'b'] })
  assert.deepEqual(tally.result('set').metrics, {})
})

test('scores of no image are an error', () => {
  const tally = new Tally(scorer, new Set(['a']))
  assert.throws(() => tally.result('/data/val'), {
    code: 'DATA_EMPTY',
    message: /^\/data\/val: the evaluation set holds no/,
  })
  tally.add([1], { targets: [10], ids: ['a'] })
  assert.throws(() => tally.result('/data/val'), {
    code: 'DATA_EXCLUDE_ALL',
    message: /every image that can be read is in the list/,
  })
})
