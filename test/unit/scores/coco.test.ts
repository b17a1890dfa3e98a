import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { evaluate } from '../../../src/scores/coco/evaluate.ts'
import { BOX_PARAMETERS, KEYPOINT_PARAMETERS } from '../../../src/scores/coco/parameters.ts'
import { boxSimilarity, keypointSimilarity } from '../../../src/scores/coco/similarity.ts'
import { boxSummary, keypointSummary, precisionByCategory } from '../../../src/scores/coco/summary.ts'
import { type DetectionRow, detectionColumns, type TruthRow, truthColumns } from '../../support/coco-columns.ts'

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
  // paper.md §4.11: crowds that absorb detections, duplicates, ranges of areas and limits.
  const truths: TruthRow[] = [
    { image: 1, category: 1, box: [10, 10, 40, 40], area: 1600 },
    { image: 1, category: 1, box: [100, 100, 20, 20], area: 400 },
    { image: 1, category: 2, box: [50, 50, 100, 100], area: 10000 },
    { image: 2, category: 1, box: [0, 0, 150, 150], area: 20000, crowd: true },
    { image: 2, category: 1, box: [160, 160, 30, 30], area: 900 },
    { image: 2, category: 2, box: [20, 20, 60, 60], area: 3600 },
  ]
  const detections: DetectionRow[] = [
    { image: 1, category: 1, box: [12, 12, 40, 40], score: 0.9 },
    { image: 1, category: 1, box: [12, 12, 38, 38], score: 0.85 },
    { image: 1, category: 1, box: [101, 101, 20, 20], score: 0.3 },
    { image: 1, category: 2, box: [55, 55, 100, 100], score: 0.8 },
    { image: 1, category: 2, box: [0, 0, 30, 30], score: 0.7 },
    { image: 2, category: 1, box: [10, 10, 50, 50], score: 0.95 },
    { image: 2, category: 1, box: [70, 70, 60, 60], score: 0.6 },
    { image: 2, category: 1, box: [161, 161, 30, 30], score: 0.5 },
    { image: 2, category: 2, box: [25, 20, 60, 60], score: 0.4 },
  ]

  test('equal the golden vector', () => {
    const golden = [0.614728, 0.834571, 0.834571, 0.750495, 0.75, 0.7, 0.466667, 0.75, 0.75, 0.75, 0.8, 0.7]
    nearly(Object.values(boxSummary(boxes(truths, detections), [1, 10, 100])), golden)
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
  const golden = [0.50297, 0.834983, 0.50495, 0.8, 0.3, 0.55, 1.0, 0.5, 0.8, 0.3]
  nearly(Object.values(keypointSummary(evaluation, 20)), golden)
})
