import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScorer as classificationScorer } from '../../../src/tasks/imagenet-classification/score.ts'
import { createScorer as multiLabelScorer } from '../../../src/tasks/multi-label/score.ts'
import { logisticRowLoss, softmaxRowLoss } from '../../../src/tasks/row-losses.ts'

const target = (...labels: number[]) => ({ labels })
const flat = (size: number) => Array.from({ length: size }, () => ({ parents: [] }))

test('labels beyond rank 100 count as missed in mAP@100', () => {
  const logits = Float32Array.from({ length: 150 }, (_, i) => -i)
  const score = (labels: number[]) => {
    const scorer = multiLabelScorer(flat(150))
    scorer.add([logits], [{ labels }])
    return scorer.result()['mAP@100'] as number
  }
  assert.equal(score([99]), 1 / 100)
  assert.equal(score([100]), 0)
  assert.equal(score([0, 120]), 1 / 2)
})

test('leaf mAP ranks leaves among leaves, and the popularity of a label in the set is its weight', () => {
  // 0 is the parent of 1 and 2.
  const scorer = multiLabelScorer([{ parents: [] }, { parents: [0] }, { parents: [0] }])
  const targets = [target(1, 0), target(1, 0), target(2, 0)]
  scorer.add(
    targets.map(() => Float32Array.of(3, 2, 1)),
    targets,
  )
  const { 'mAP@100': closed, 'leafMAP@100': leaf, 'weightedMAP@100': weighted } = scorer.result()
  const near = (value = Number.NaN, expected: number) => assert.ok(Math.abs(value - expected) < 1e-12, `${value}`)
  near(closed, (1 + 1 + (1 + 2 / 3) / 2) / 3)
  near(leaf, (1 + 1 + 1 / 2) / 3)
  near(weighted, (1 + 1 + (3 * 1 + (1 * 2) / 3) / (3 + 1)) / 3)
})

test('in a flat set every label is a leaf, and an image without labels has no average precision', () => {
  const scorer = multiLabelScorer(flat(3))
  scorer.add([Float32Array.of(1, 2, 3), Float32Array.of(1, 2, 3)], [target(1), target()])
  const scores = scorer.result()
  assert.deepEqual([scores['mAP@100'], scores['leafMAP@100'], scores['weightedMAP@100']], [1 / 2, 1 / 2, 1 / 2])
})

test('scores of several batches equal those of one', () => {
  const logits = [
    [3, 1, 2],
    [0, 5, 1],
    [1, 1, 0],
  ]
  const labels = [[0], [2], [1]]
  for (const createScorer of [multiLabelScorer, classificationScorer]) {
    const [whole, parts] = [createScorer(flat(3)), createScorer(flat(3))]
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
