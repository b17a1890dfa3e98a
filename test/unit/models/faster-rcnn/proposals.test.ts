import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorBoxes, gridOf } from '../../../../src/models/faster-rcnn/anchors.ts'
import { areaOf, clipBoxes, iou } from '../../../../src/models/faster-rcnn/boxes.ts'
import { decodeBox } from '../../../../src/models/faster-rcnn/codes.ts'
import { readTruth } from '../../../../src/models/faster-rcnn/matches.ts'
import { FULL } from '../../../../src/models/faster-rcnn/options.ts'
import { proposalTargets } from '../../../../src/models/faster-rcnn/proposal-targets.ts'
import { proposeBoxes } from '../../../../src/models/faster-rcnn/proposals.ts'
import { createRandom } from '../../../../src/support/random.ts'
import { worstError } from '../../tensor/numeric.ts'

const SIZE = { height: 600, width: 1024 }
const ANCHORS = anchorBoxes(FULL.anchors, gridOf(SIZE, 16), 16)

function noise(length: number, seed: number, spread = 1): Float32Array {
  const random = createRandom(seed)
  return Float32Array.from({ length }, () => spread * random.normal())
}

test('600 × 1024 pixels have 300 proposals inside of the picture, which overlap little', () => {
  const given = { logits: noise(2 * 29_184, 1), codes: noise(4 * 29_184, 2), size: SIZE }
  const boxes = proposeBoxes(ANCHORS, given, FULL.proposals)
  assert.equal(boxes.length / 4, 300)
  assert.deepEqual(clipBoxes(boxes, SIZE), boxes)
  for (let i = 0; i < 300; i++) {
    assert.ok(areaOf(boxes, i) > 0)
    for (let j = 0; j < i; j++) assert.ok(iou(boxes, i, boxes, j) <= 0.7)
  }
})

test('the first proposal is the anchor with the highest probability of an object, moved by its code', () => {
  const logits = noise(2 * 29_184, 3)
  const probability = (i: number) => 1 / (1 + Math.exp((logits[2 * i] as number) - (logits[2 * i + 1] as number)))
  const best = Array.from({ length: 29_184 }, (_, i) => i).reduce((a, b) => (probability(b) > probability(a) ? b : a))
  const codes = noise(4 * 29_184, 4)
  const expected = new Float32Array(4)
  decodeBox(codes, 4 * best, ANCHORS, best, expected, 0)
  const boxes = proposeBoxes(ANCHORS, { logits, codes, size: SIZE }, FULL.proposals)
  assert.ok(worstError(boxes.subarray(0, 4), clipBoxes(expected, SIZE)) < 1e-6)
})

test('proposals end at the picture, not at its padding', () => {
  const size = { height: 500, width: 333 }
  const given = { logits: noise(2 * 29_184, 5), codes: noise(4 * 29_184, 6), size }
  const boxes = proposeBoxes(ANCHORS, given, FULL.proposals)
  assert.deepEqual(clipBoxes(boxes, size), boxes)
})

test('predictions that are not numbers yield no proposals', () => {
  const broken = new Float32Array(4 * 29_184).fill(Number.NaN)
  assert.equal(proposeBoxes(ANCHORS, { logits: broken, codes: broken, size: SIZE }, FULL.proposals).length, 0)
  const logits = noise(2 * 29_184, 7)
  assert.equal(proposeBoxes(ANCHORS, { logits, codes: broken, size: SIZE }, FULL.proposals).length, 0)
})

const OBJECT = [10, 10, 50, 50]
const SAMPLING = { batch: 8, positiveShare: 0.25, positiveIou: 0.5, negativeIou: 0.5 }

function targetsOf(proposals: number[][], objects: number[][], classes: number[], ignored: number[] = []) {
  const truth = readTruth(Float32Array.from(objects.flat()), classes, ignored, SIZE)
  return proposalTargets([{ boxes: Float32Array.from(proposals.flat()), truth, seed: 1 }], 3, SAMPLING)
}

test('a sampled proposal learns the class of its object, and the code of that class only', () => {
  const far = [200, 200, 240, 240]
  const { boxes_R4, class_RC, classWeight_R, codes_R4, codeWeight_RK } = targetsOf([far, OBJECT], [OBJECT], [2])
  assert.deepEqual([...boxes_R4.subarray(0, 8)], [...OBJECT, ...far], 'positives first')
  assert.deepEqual([...class_RC.subarray(0, 8)], [0, 0, 0, 1, 1, 0, 0, 0])
  assert.deepEqual([...classWeight_R], [0.5, 0.5, 0, 0, 0, 0, 0, 0], 'rows without a proposal weigh nothing')
  assert.deepEqual([...codeWeight_RK.subarray(0, 6)], [0, 0, 0.5, 0, 0, 0])
  assert.deepEqual([...codes_R4.subarray(0, 4)], [0, 0, 0, 0])
})

test('at most a quarter of the sampled proposals is positive', () => {
  const { class_RC } = targetsOf(
    Array.from({ length: 6 }, () => OBJECT),
    [OBJECT],
    [0],
  )
  assert.equal(class_RC.filter((value, i) => i % 4 > 0 && value === 1).length, 2)
})

test('proposals on a difficult object and images without proposals leave finite, empty targets', () => {
  for (const targets of [
    targetsOf([OBJECT], [OBJECT], [0], [1]),
    targetsOf([], [OBJECT], [0]),
    targetsOf([], [], []),
  ]) {
    for (const values of Object.values(targets)) assert.ok((values as Float32Array).every((value) => value === 0))
  }
})
