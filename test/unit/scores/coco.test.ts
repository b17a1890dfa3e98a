import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { evaluate } from '../../../src/scores/coco/evaluate.ts'
import { BOX_PARAMETERS, KEYPOINT_PARAMETERS } from '../../../src/scores/coco/parameters.ts'
import { boxSimilarity, keypointSimilarity } from '../../../src/scores/coco/similarity.ts'
import { boxSummary, keypointSummary, precisionByCategory } from '../../../src/scores/coco/summary.ts'
import { type DetectionRow, detectionColumns, type TruthRow, truthColumns } from '../../support/coco-columns.ts'
import { GOLDEN_BOX_NUMBERS, GOLDEN_BOXES, GOLDEN_KEYPOINT_NUMBERS } from '../../support/coco-golden.ts'

const nearly = (values: readonly number[], expected: readonly number[], tolerance = 1e-6) => {
  assert.equal(values.length, expected.length)
  values.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] as number)) <= tolerance, `[${i}]: ${value}, expected ${expected[i]}`)
  })
}

function boxes(truths: readonly TruthRow[], detections: readonly DetectionRow[], images = [1, 2], categories = [1, 2]) {
  const columns = { truths: truthColumns(truths), detections: detectionColumns(detections) }
  return evaluate({ images, categories, ...columns, similarity: boxSimilarity, parameters: BOX_PARAMETERS })
}

suite('COCO boxes', () => {
  const truths = GOLDEN_BOXES.annotations.map(
    ({ image_id: image, category_id: category, bbox, area, iscrowd }): TruthRow => ({
      image,
      category,
      box: bbox as TruthRow['box'],
      area: area as number,
      crowd: iscrowd === 1,
    }),
  )
  const detections = GOLDEN_BOXES.detections.map(
    ({ image_id: image, category_id: category, bbox, score }): DetectionRow => ({
      image,
      category,
      box: bbox as DetectionRow['box'],
      score,
    }),
  )

  test('equal the golden vector', () => {
    nearly(Object.values(boxSummary(boxes(truths, detections), [1, 10, 100])), GOLDEN_BOX_NUMBERS)
  })

  test('average over categories to AP', () => {
    const evaluation = boxes(truths, detections)
    const byCategory = [...precisionByCategory(evaluation, 100).values()]
    nearly(
      [byCategory.reduce((sum, value) => sum + value, 0) / 2],
      [boxSummary(evaluation, [1, 10, 100]).AP as number],
      1e-12,
    )
  })

  test('score -1 without any object, and 0 without any detection', () => {
    assert.deepEqual(new Set(Object.values(boxSummary(boxes([], detections), [1, 10, 100]))), new Set([-1]))
    const large = truths.filter(({ area }) => area > 96 ** 2)
    const none = boxSummary(boxes(large, []), [1, 10, 100])
    assert.deepEqual([none.AP, none.APlarge, none.ARlarge, none.APsmall], [0, 0, 0, -1])
  })

  test('of images and categories that are not scored change nothing', () => {
    const stray: DetectionRow = { image: 9, category: 1, box: [12, 12, 40, 40], score: 1 }
    const scored = boxSummary(boxes(truths, detections), [1, 10, 100])
    const withStray = boxes(
      [...truths, { ...stray, area: 10 }],
      [...detections, stray, { ...stray, image: 1, category: 9 }],
    )
    assert.deepEqual(boxSummary(withStray, [1, 10, 100]), scored)
  })
})

test('COCO keypoints equal the golden vector', () => {
  const points = (shift: number, visibility = 2) =>
    Array.from({ length: 17 }, (_, i) => [50 + 3 * i + shift, 40 + 5 * i, visibility]).flat()
  const box = [45, 35, 60, 95] as const
  const truths: TruthRow[] = [
    { image: 1, category: 1, box, area: 4000, keypoints: points(0) },
    { image: 2, category: 1, box, area: 10000, keypoints: points(0) },
    { image: 2, category: 1, box: [120, 120, 40, 40], area: 1500, keypoints: Array(51).fill(0), isIgnored: true },
  ]
  const detections = [
    { image: 1, category: 1, box, keypoints: points(3), score: 0.9 },
    { image: 1, category: 1, box, keypoints: points(30), score: 0.8 },
    { image: 2, category: 1, box, keypoints: points(10), score: 0.7 },
  ]
  const evaluation = evaluate({
    images: [1, 2],
    categories: [1],
    truths: truthColumns(truths),
    detections: detectionColumns(detections),
    similarity: keypointSimilarity(),
    parameters: KEYPOINT_PARAMETERS,
  })
  nearly(Object.values(keypointSummary(evaluation, 20)), GOLDEN_KEYPOINT_NUMBERS)
})
