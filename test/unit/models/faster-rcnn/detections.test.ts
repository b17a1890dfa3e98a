import assert from 'node:assert/strict'
import { test } from 'node:test'
import { iou } from '../../../../src/models/faster-rcnn/boxes.ts'
import { encodeBox } from '../../../../src/models/faster-rcnn/codes.ts'
import { detect } from '../../../../src/models/faster-rcnn/detections.ts'
import { FULL } from '../../../../src/models/faster-rcnn/options.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { worstError } from '../../tensor/numeric.ts'

const SIZE = { height: 100, width: 120 }
const CLASSES = 2

interface Proposal {
  readonly box: readonly number[]
  /** Background, class 0, class 1. */
  readonly logits: readonly number[]
  /** Where each class says that its object is; absent: at the proposal. */
  readonly moved?: readonly (readonly number[])[]
}

function detections(given: readonly Proposal[], limits: Partial<(typeof FULL)['detections']> = {}) {
  const proposals = Float32Array.from(given.flatMap(({ box }) => box))
  const codes = new Float32Array(given.length * CLASSES * 4)
  given.forEach(({ moved = [] }, i) => {
    moved.forEach((box, label) => {
      encodeBox(Float32Array.from(box), 0, proposals, i, codes, (i * CLASSES + label) * 4)
    })
  })
  const logits = Float32Array.from(given.flatMap(({ logits }) => logits))
  const options = { classes: CLASSES, detections: { ...FULL.detections, ...limits } }
  return detect({ proposals, logits, codes, size: SIZE }, options)
}

test('each class has the probability of the softmax and the box that its own code means', () => {
  const box = [20, 20, 60, 60]
  const other = [30, 40, 50, 80]
  const { boxes, classes, scores } = detections([{ box, logits: [1, 0, 3], moved: [box, other] }])
  const sum = Math.E + 1 + Math.exp(3)
  assert.deepEqual([...classes], [1, 0])
  assert.ok(worstError(scores, [Math.exp(3) / sum, 1 / sum]) < 1e-6)
  assert.ok(worstError(boxes, [...other, ...box]) < 1e-4)
})

test('boxes of one class that overlap by more than .6 are suppressed, and those of two classes are not', () => {
  const kept = detections(
    [
      { box: [0, 0, 10, 10], logits: [-50, 5, -50] },
      { box: [0, 0, 10, 6.5], logits: [0, 5, -50] },
      { box: [0, 0, 10, 5.5], logits: [1, 5, -50] },
      { box: [0, 0, 10, 10], logits: [0, -50, 5] },
    ],
    { minScore: 0.5 },
  )
  assert.deepEqual([...kept.classes], [0, 1, 0])
  assert.ok(worstError(kept.boxes, [0, 0, 10, 10, 0, 0, 10, 10, 0, 0, 10, 5.5]) < 1e-5)
})

test('boxes are cut to the picture, and those outside of it are left out', () => {
  const { boxes } = detections(
    [
      { box: [80, 90, 110, 130], logits: [0, 5, -50] },
      { box: [101, 10, 120, 40], logits: [0, 5, -50] },
    ],
    { minScore: 0.5 },
  )
  assert.ok(worstError(boxes, [80, 90, 100, 120]) < 1e-5, String(boxes))
})

test('at most as many detections as the options say remain, of a class and altogether, the best first', () => {
  const random = createRandom(1)
  const given = Array.from({ length: 60 }, (_, i) => ({
    box: [(i % 10) * 10, Math.floor(i / 10) * 20, (i % 10) * 10 + 9, Math.floor(i / 10) * 20 + 18],
    logits: [0, random.normal(), random.normal()],
  }))
  const all = detections(given)
  assert.equal(all.scores.length, 120)
  assert.deepEqual(all.scores, all.scores.toSorted().reverse())
  const limited = detections(given, { perClass: 10, total: 15 })
  assert.equal(limited.scores.length, 15)
  assert.ok([0, 1].every((label) => limited.classes.filter((one) => one === label).length <= 10))
  assert.deepEqual(limited.scores.subarray(0, 5), all.scores.subarray(0, 5))
  for (let i = 0; i < all.scores.length; i++)
    for (let j = 0; j < i; j++) assert.ok(all.classes[i] !== all.classes[j] || iou(all.boxes, i, all.boxes, j) <= 0.6)
})

test('no proposals and predictions that are not numbers have no detections', () => {
  assert.equal(detections([]).scores.length, 0)
  const nan = Number.NaN
  assert.equal(detections([{ box: [0, 0, 9, 9], logits: [nan, nan, nan] }]).scores.length, 0)
})
