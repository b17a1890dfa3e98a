import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  BACKGROUND,
  matchBest,
  matchBoxes,
  readTruth,
  sampleMatches,
  UNUSED,
} from '../../../../src/models/faster-rcnn/matches.ts'
import { createRandom } from '../../../../src/support/random.ts'

const SIZE = { height: 100, width: 100 }
const OPTIONS = { batch: 8, positiveShare: 0.25, positiveIou: 0.7, negativeIou: 0.3 }
const boxes = (...rows: number[][]) => Float32Array.from(rows.flat())
const truthOf = (objects: number[][], ignored: number[][] = []) => {
  const rows = [...objects, ...ignored]
  const flags = rows.map((_, i) => (i < objects.length ? 0 : 1))
  return readTruth(
    boxes(...rows),
    rows.map((_, i) => i),
    flags,
    SIZE,
  )
}

test('a box is positive, unused or background by its IoU with the best object', () => {
  const truth = truthOf([
    [0, 0, 10, 10],
    [50, 50, 60, 60],
  ])
  const matches = matchBoxes(
    boxes([0, 0, 10, 10], [0, 0, 10, 7], [0, 0, 10, 6.9], [0, 0, 10, 3], [0, 0, 10, 2.9], [50, 50, 60, 58]),
    truth,
    OPTIONS,
  )
  assert.deepEqual([...matches], [0, 0, UNUSED, UNUSED, BACKGROUND, 1])
})

test('a box that a crowd or a difficult object covers by half is not background, but may be positive', () => {
  const truth = truthOf([[0, 0, 10, 10]], [[0, 0, 40, 40]])
  const matches = matchBoxes(
    boxes([20, 20, 30, 30], [30, 35, 40, 45], [30, 36, 40, 46], [0, 0, 10, 10]),
    truth,
    OPTIONS,
  )
  assert.deepEqual([...matches], [UNUSED, UNUSED, BACKGROUND, 0])
})

test('the best box of an object is matched below the least IoU, and an object without any overlap gets none', () => {
  const truth = truthOf([
    [0, 0, 4, 4],
    [80, 80, 90, 90],
    [1, 1, 4, 4],
  ])
  const candidates = boxes([0, 0, 10, 10], [0, 0, 20, 20], [30, 30, 40, 40])
  const matches = matchBoxes(candidates, truth, OPTIONS)
  assert.deepEqual([...matches], [BACKGROUND, BACKGROUND, BACKGROUND])
  matchBest(matches, candidates, truth)
  assert.deepEqual([...matches], [0, BACKGROUND, BACKGROUND], 'of two objects the first gets the box')
})

test('objects are cut to the picture, and those that vanish or have no size are left out', () => {
  const truth = readTruth(
    boxes([-5, -5, 5, 5], [10, 10, 10.9, 30], [99.5, 0, 120, 50], [20, 20, 20, 20], [0, 0, 0, 0], [60, 90, 70, 130]),
    [4, 5, 6, 7, 8, 9],
    [0, 0, 0, 0, 0, 1],
    SIZE,
  )
  assert.deepEqual([...truth.boxes], [0, 0, 5, 5])
  assert.deepEqual(truth.classes, [4])
  assert.deepEqual([...truth.ignored], [60, 90, 70, 100])
  const broken = readTruth(boxes([Number.NaN, 0, 5, 5], [0, 0, Number.POSITIVE_INFINITY, 9]), [0, 1], [0, 0], SIZE)
  assert.deepEqual([...broken.boxes], [0, 0, 100, 9])
})

test('samples have at most the positive share, fill up with background, and never repeat', () => {
  const match = fc.constantFrom(BACKGROUND, UNUSED, 0, 1, 2)
  fc.assert(
    fc.property(fc.array(match, { maxLength: 30 }), fc.integer(), (given, seed) => {
      const sampled = sampleMatches(Int32Array.from(given), OPTIONS, createRandom(seed))
      const positives = given.filter((one) => one >= 0).length
      const negatives = given.filter((one) => one === BACKGROUND).length
      const chosen = sampled.map((i) => given[i] as number)
      const expectedPositives = Math.min(2, positives)
      assert.equal(chosen.filter((one) => one >= 0).length, expectedPositives)
      assert.equal(chosen.filter((one) => one === BACKGROUND).length, Math.min(8 - expectedPositives, negatives))
      assert.ok(!chosen.includes(UNUSED))
      assert.equal(new Set(sampled).size, sampled.length)
    }),
  )
})

test('every box is sampled equally often', () => {
  const matches = Int32Array.from({ length: 40 }, (_, i) => (i < 10 ? 0 : BACKGROUND))
  const counts = new Float64Array(40)
  for (let seed = 0; seed < 4000; seed++)
    for (const i of sampleMatches(matches, OPTIONS, createRandom(seed * 7919))) (counts[i] as number)++
  for (let i = 0; i < 40; i++) {
    const share = (i < 10 ? 2 / 10 : 6 / 30) * 4000
    counts[i] = (counts[i] as number) - share
  }
  const spread = Math.sqrt(4000 * 0.2 * 0.8)
  assert.ok(
    counts.every((apart) => Math.abs(apart) < 5 * spread),
    String(counts),
  )
})
