import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createScorer as classificationScorer } from '../../../src/tasks/imagenet-classification/score.ts'
import { averagePrecision, logisticRowLoss, softmaxRowLoss, topK } from '../../../src/tasks/label-scores.ts'
import { createScorer as multiLabelScorer } from '../../../src/tasks/multi-label/score.ts'

const target = (...labels: number[]) => ({ labels })

test('equal logits are ranked by the lower index', () => {
  assert.deepEqual(topK(Float32Array.of(1, 3, 3, 2, 3), 3), [1, 2, 4])
  assert.deepEqual(topK(Float32Array.of(0, 0, 0), 2), [0, 1])
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

test('a logit of NaN is ranked last', () => {
  assert.deepEqual(topK(Float32Array.of(Number.NaN, -5, Number.NaN, 2), 3), [3, 1, 0])
})

test('average precision sums the precision at each hit and divides by the number of labels', () => {
  assert.equal(averagePrecision([7, 1, 3], [7, 3]), (1 / 1 + 2 / 3) / 2)
  assert.equal(averagePrecision([1, 2], [9]), 0)
  assert.equal(averagePrecision([4], [4, 5]), 1 / 2)
  assert.equal(averagePrecision([1], []), 0)
})

test('labels beyond rank 100 count as missed in mAP@100', () => {
  const logits = Float32Array.from({ length: 150 }, (_, i) => -i)
  const score = (labels: number[]) => {
    const scorer = multiLabelScorer()
    scorer.add([logits], [{ labels }])
    return scorer.result()['mAP@100'] as number
  }
  assert.equal(score([99]), 1 / 100)
  assert.equal(score([100]), 0)
  assert.equal(score([0, 120]), 1 / 2)
})

test('scores of several batches equal those of one', () => {
  const logits = [
    [3, 1, 2],
    [0, 5, 1],
    [1, 1, 0],
  ]
  const labels = [[0], [2], [1]]
  for (const createScorer of [multiLabelScorer, classificationScorer]) {
    const [whole, parts] = [createScorer(), createScorer()]
    whole.add(
      logits.map((row) => Float32Array.from(row)),
      labels.map((some) => target(...some)),
    )
    for (const [i, row] of logits.entries()) parts.add([Float32Array.from(row)], [target(...(labels[i] ?? []))])
    const [expected, actual] = [whole.result(), parts.result()]
    for (const [name, value] of Object.entries(expected)) {
      assert.ok(Math.abs(value - (actual[name] as number)) < 1e-9, name)
    }
  }
})

test('top-1 and top-5 are fractions of images whose class is among the first; ties go to the lower index', () => {
  const scorer = classificationScorer()
  const rising = Float32Array.of(0, 1, 2, 3, 4, 5)
  scorer.add([rising, rising, rising, Float32Array.of(7, 7, 0, 0, 0, 0)], [target(5), target(1), target(0), target(1)])
  const { top1, top5 } = scorer.result()
  assert.equal(top1, 1 / 4)
  assert.equal(top5, 3 / 4)
})

test('the class of an image is its first label, before its ancestors; an image without labels is ignored', () => {
  const scorer = classificationScorer()
  scorer.add([Float32Array.of(0, 0, 9), Float32Array.of(0, 0, 9)], [target(2, 0), target()])
  assert.equal(scorer.result().top1, 1)
})

test('row losses equal their definitions, also for extreme logits', () => {
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-5, `${a} is not ${b}`)
  close(
    logisticRowLoss(Float32Array.of(2, -1, 0), [0]),
    1.656002 - logisticRowLoss(Float32Array.of(-3, 0.5, 100), [1, 2]),
  )
  close(logisticRowLoss(Float32Array.of(1e4, -1e4), [1]), 2e4)
  close(softmaxRowLoss(Float32Array.of(0, 0), 0), Math.log(2))
  close(softmaxRowLoss(Float32Array.of(1e4, 0), 1), 1e4)
})
