import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createScorer as cocoScorer } from '../../../../src/tasks/coco-detection/score.ts'
import { createScorer as vocScorer } from '../../../../src/tasks/voc-detection/score.ts'
import { GOLDEN_BOX_NUMBERS, GOLDEN_BOXES } from '../../../support/coco-golden.ts'
import { found, object, targetOf } from './builders.ts'

type Box = readonly [number, number, number, number]
const near = (value: number | undefined, expected: number, name = '') =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) < 1e-6, `${name} ${value}, expected ${expected}`)

describe('the scorer of coco-detection', () => {
  test('gives the golden numbers of pycocotools, with crowds and sizes', () => {
    const scorer = cocoScorer()
    for (const { id } of GOLDEN_BOXES.images) {
      const mine = <T extends { image_id: number }>(rows: readonly T[]) =>
        rows.filter(({ image_id }) => image_id === id)
      const objects = mine(GOLDEN_BOXES.annotations).map(({ bbox, category_id, area = 0, iscrowd }) =>
        object(bbox as unknown as Box, { label: category_id - 1, area, crowd: iscrowd === 1 }),
      )
      const detections = mine(GOLDEN_BOXES.detections).map(({ bbox, category_id, score }) => ({
        box: bbox as unknown as Box,
        label: category_id - 1,
        score,
      }))
      scorer.add([found(...detections)], [targetOf(objects, 200, 200)])
    }
    const names = ['AP', 'AP@.5', 'AP@.75', 'APsmall', 'APmedium', 'APlarge']
    const result = scorer.result()
    names.forEach((name, i) => {
      near(result[name], GOLDEN_BOX_NUMBERS[i] as number, name)
    })
    assert.deepEqual(Object.keys(result), names)
  })

  test('sizes that no object has are not defined', () => {
    const scorer = cocoScorer()
    scorer.add([found({ box: [1, 1, 20, 20], score: 0.9 })], [targetOf([object([1, 1, 20, 20])])])
    const { APmedium, APlarge, ...defined } = scorer.result()
    for (const value of Object.values(defined)) near(value, 1)
    assert.deepEqual(
      [Object.keys(defined), APmedium, APlarge],
      [['AP', 'AP@.5', 'AP@.75', 'APsmall'], Number.NaN, Number.NaN],
    )
  })

  test('counts the best 100 detections of an image', () => {
    const scorer = cocoScorer()
    const misses = Array.from({ length: 100 }, (_, i) => ({
      box: [0, 40, 5, 5] as const,
      label: 1,
      score: 0.9 - i / 1000,
    }))
    scorer.add([found(...misses, { box: [1, 1, 20, 20], score: 0.1 })], [targetOf([object([1, 1, 20, 20])])])
    assert.equal(scorer.result().AP, 0)
  })

  test('an image without objects costs precision only where something is found in it', () => {
    const scorer = cocoScorer()
    const [box, objects] = [[1, 1, 20, 20] as const, [object([1, 1, 20, 20])]]
    scorer.add([found({ box, score: 0.8 }), found()], [targetOf(objects), targetOf([])])
    near(scorer.result().AP, 1)
    scorer.add([found({ box, score: 0.9 })], [targetOf([])])
    near(scorer.result().AP, 0.5)
  })

  test('a set without an object that counts is refused', () => {
    const scorer = cocoScorer()
    scorer.add([found()], [targetOf([object([1, 1, 20, 20], { crowd: true })])])
    assert.throws(() => scorer.result(), { code: 'DATA_NO_OBJECTS', message: /none of the 1 scored images/ })
  })
})

describe('the scorer of voc-detection', () => {
  test('measures overlap as VOC does: pixels include both ends, and half is not enough', () => {
    // 10 pixels; the detection covers 5 of them, so 5 of 10 overlap.
    const score = (box: Box) => {
      const scorer = vocScorer()
      scorer.add([found({ box, score: 0.5 })], [targetOf([object([0, 0, 10, 10])])])
      return scorer.result()['mAP@.5']
    }
    assert.equal(score([0, 0, 5, 10]), 0)
    assert.equal(score([0, 0, 5.5, 10]), 1)
  })

  test('gives the mean over classes by area and by eleven points', () => {
    // Class 0: recall .2 .2 .4 .4 .6 and precision 1 .5 .667 .5 .6, the golden vector of paper.md §4.11; class 1 is found.
    const places = [0, 1, 2, 3, 4].map((i) => [i * 12, 0, 10, 10] as const)
    const scorer = vocScorer()
    const hit = (i: number, score: number) => ({ box: places[i] as Box, score })
    const miss = (score: number) => ({ box: [0, 40, 10, 10] as const, score })
    scorer.add(
      [
        found(hit(0, 0.9), miss(0.8), hit(1, 0.7), miss(0.6), hit(2, 0.5), {
          box: [30, 30, 9, 9],
          label: 1,
          score: 0.3,
        }),
      ],
      [targetOf([...places.map((box) => object(box)), object([30, 30, 9, 9], { label: 1 })])],
    )
    const { 'mAP@.5': area, 'mAP07@.5': points } = scorer.result()
    near(area, (0.453333 + 1) / 2)
    near(points, (0.448485 + 1) / 2)
  })

  test('difficult objects and crowds are neither right nor wrong', () => {
    const scorer = vocScorer()
    const [easy, hard, crowd] = [[0, 0, 10, 10] as const, [20, 0, 10, 10] as const, [40, 0, 10, 10] as const]
    scorer.add(
      [found({ box: hard, score: 0.9 }, { box: crowd, score: 0.8 }, { box: easy, score: 0.7 })],
      [targetOf([object(easy), object(hard, { difficult: true }), object(crowd, { crowd: true })])],
    )
    for (const value of Object.values(scorer.result())) near(value, 1)
  })

  test('a set of difficult objects alone is refused', () => {
    const scorer = vocScorer()
    scorer.add([found()], [targetOf([object([1, 1, 20, 20], { difficult: true })])])
    assert.throws(() => scorer.result(), { code: 'DATA_NO_OBJECTS' })
  })
})
