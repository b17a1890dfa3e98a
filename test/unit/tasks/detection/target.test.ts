import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import type { View } from '../../../../src/input/keep-aspect.ts'
import { foundInFile } from '../../../../src/tasks/detection/found.ts'
import { detectionTarget } from '../../../../src/tasks/detection/target.ts'
import { object } from './builders.ts'

const VIEW: View = {
  size: { height: 100, width: 200 },
  padded: { height: 100, width: 256 },
  flip: false,
  seed: 7,
}
const picture = (...objects: AnnotatedObject[]): ObjectAnnotation => ({ width: 400, height: 200, objects })

test('boxes are scaled to the view as top, left, bottom and right', () => {
  const target = detectionTarget(picture(object([40, 20, 80, 60], { label: 2 })), VIEW)
  assert.deepEqual([...target.boxes], [10, 20, 40, 60])
  assert.deepEqual([...target.classes], [2])
  assert.deepEqual([target.size, target.padded, target.seed], [VIEW.size, VIEW.padded, 7])
})

test('boxes are mirrored with the picture, within the picture and not its padding', () => {
  const target = detectionTarget(picture(object([40, 20, 80, 60])), { ...VIEW, flip: true })
  assert.deepEqual([...target.boxes], [10, 140, 40, 180])
})

test('boxes are cut to the picture', () => {
  const target = detectionTarget(picture(object([-50, -10, 100, 500]), object([390, 0, 80, 200])), VIEW)
  assert.deepEqual([...target.boxes], [0, 0, 100, 25, 0, 195, 100, 200])
})

test('objects that vanish are left out of training and are scored', () => {
  const vanished = [
    object([10, 10, 1.9, 80]),
    object([10, 10, 80, 1]),
    object([500, 10, 50, 50]),
    object([10, 10, 0, 0]),
  ]
  const target = detectionTarget(picture(...vanished, object([10, 10, 2, 2], { label: 1 })), VIEW)
  assert.deepEqual([...target.boxes], [5, 5, 6, 6])
  assert.deepEqual([...target.classes], [1])
  assert.equal(target.truth.labels.length, 5)
  assert.deepEqual([...target.truth.boxes.subarray(0, 4)], [10, 10, 1.9, 80])
})

test('crowds and difficult objects are to be ignored', () => {
  const box = [10, 10, 50, 50] as const
  const target = detectionTarget(
    picture(object(box), object(box, { crowd: true }), object(box, { difficult: true })),
    VIEW,
  )
  assert.deepEqual([...target.ignored], [0, 1, 1])
  assert.deepEqual([...target.truth.crowds], [0, 1, 0])
  assert.deepEqual([...target.truth.difficult], [0, 0, 1])
})

test('a picture without objects has empty arrays', () => {
  const target = detectionTarget(picture(), VIEW)
  assert.deepEqual([target.boxes.length, target.classes.length, target.truth.labels.length], [0, 0, 0])
})

const coordinate = fc.double({ min: -1000, max: 2000, noNaN: true })
const extent = fc.double({ min: 0, max: 2000, noNaN: true })

test('every box for training is inside of the picture and at least a pixel wide and high', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(coordinate, coordinate, extent, extent)), fc.boolean(), (boxes, flip) => {
      const target = detectionTarget(picture(...boxes.map((box) => object(box))), { ...VIEW, flip })
      for (let at = 0; at < target.boxes.length; at += 4) {
        const [top, left, bottom, right] = target.boxes.subarray(at, at + 4) as unknown as [
          number,
          number,
          number,
          number,
        ]
        assert.ok(top >= 0 && left >= 0 && bottom <= 100 && right <= 200)
        assert.ok(bottom - top > 1 - 1e-4 && right - left > 1 - 1e-4)
      }
    }),
  )
})

test('a box that is detected where training had it lies in the file where it was annotated', () => {
  const inside = fc.tuple(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 120 }),
    fc.integer({ min: 2, max: 100 }),
    fc.integer({ min: 2, max: 80 }),
  )
  fc.assert(
    fc.property(inside, (box) => {
      const target = detectionTarget(picture(object(box)), VIEW)
      const found = foundInFile({ boxes: target.boxes, classes: target.classes, scores: Float32Array.of(1) }, target)
      found.boxes.forEach((edge, i) => {
        assert.ok(Math.abs(edge - (box[i] as number)) < 1e-3)
      })
    }),
  )
})
