import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resultsOf } from '../../../../src/tasks/detection/results.ts'
import { sketchOf } from '../../../../src/tasks/detection/sketch.ts'
import { found, object, targetOf } from './builders.ts'

const A = [0, 0, 20, 20] as const
const B = [30, 30, 20, 20] as const

test('objects and the detections above .5 are drawn in pixels of the file', () => {
  const target = targetOf([object(A, { label: 3 }), object(B, { crowd: true })])
  const { truth, prediction } = sketchOf(found({ box: B, score: 0.75 }, { box: A, label: 3, score: 0.25 }), target)
  const objects = [
    { label: 3, box: [...A] },
    { label: 0, box: [...B], crowd: true },
  ]
  assert.deepEqual(truth, { type: 'objects', objects })
  assert.deepEqual(prediction, { type: 'objects', objects: [{ label: 0, box: [...B], score: 0.75 }] })
})

test('pictures are ranked by F1', () => {
  const target = targetOf([object(A), object(B)])
  const score = (...detections: Parameters<typeof found>) => sketchOf(found(...detections), target).score
  assert.equal(score(), 0)
  assert.equal(score({ box: A, score: 0.9 }), 2 / 3)
  assert.equal(score({ box: A, score: 0.9 }, { box: B, score: 0.8 }), 1)
  assert.equal(score({ box: A, score: 0.9 }, { box: A, score: 0.8 }), 1 / 2)
  assert.equal(score({ box: A, label: 1, score: 0.9 }), 0)
  assert.equal(score({ box: [0, 0, 20, 9], score: 0.9 }), 0)
})

test('crowds, difficult objects and what is found of them do not count; a picture without others is not ranked', () => {
  const ignored = [object([0, 0, 60, 20], { crowd: true }), object(B, { difficult: true })]
  const detections = found({ box: A, score: 0.9 }, { box: B, score: 0.8 })
  assert.equal(sketchOf(detections, targetOf(ignored)).score, undefined)
  assert.equal(sketchOf(detections, targetOf([])).score, undefined)
  const other = [40, 0, 15, 15] as const
  assert.equal(sketchOf(detections, targetOf([...ignored, object(other, { label: 1 })])).score, 0)
  const right = found({ box: A, score: 0.9 }, { box: other, label: 1, score: 0.8 })
  assert.equal(sketchOf(right, targetOf([...ignored, object(other, { label: 1 })])).score, 1)
})

test('rows of a results file have boxes to a hundredth of a pixel', () => {
  const rows = resultsOf(found({ box: [1.23456, 2, 3.999, 4], label: 2, score: 0.5 }))
  assert.deepEqual(rows, [{ label: 2, bbox: [1.23, 2, 4, 4], score: 0.5 }])
})
