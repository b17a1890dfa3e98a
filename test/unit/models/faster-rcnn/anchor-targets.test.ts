import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorTargets } from '../../../../src/models/faster-rcnn/anchor-targets.ts'
import { anchorBoxes, gridOf } from '../../../../src/models/faster-rcnn/anchors.ts'
import { iou } from '../../../../src/models/faster-rcnn/boxes.ts'
import { decodeBox } from '../../../../src/models/faster-rcnn/codes.ts'
import { FULL, MINI } from '../../../../src/models/faster-rcnn/options.ts'
import type { DetectorTarget, FasterRcnnOptions, Size } from '../../../../src/models/faster-rcnn/types.ts'
import { worstError } from '../../tensor/numeric.ts'
import { targetOf } from './builders.ts'

const FULL_SIZE = { height: 600, width: 1024 }

function encode(
  targets: DetectorTarget[],
  options: Pick<FasterRcnnOptions, 'anchors' | 'proposer'> = FULL,
  stride = 16,
) {
  const anchors = anchorBoxes(options.anchors, gridOf(targets[0]?.padded as Size, stride), stride)
  const values = anchorTargets(anchors, targets, options.proposer)
  const rows = (name: keyof typeof values, image: number) => {
    const { shape, values: all } = values[name]
    const width = all.length / (shape[0] as number)
    return all.subarray(image * width, (image + 1) * width) as Float32Array
  }
  const sampledOf = (image: number) =>
    [...rows('classWeight_BA', image).keys()].filter((i) => (rows('classWeight_BA', image)[i] as number) > 0)
  const isPositive = (image: number, i: number) => rows('objectness_BA2', image)[2 * i + 1] === 1
  return { anchors, rows, sampledOf, isPositive, values }
}

test('256 anchors of an image are sampled, and their weights are 1 / (256 · images)', () => {
  const targets = [targetOf(FULL_SIZE, [[100, 100, 300, 300]]), targetOf(FULL_SIZE, [])]
  const { sampledOf, rows, isPositive, values } = encode(targets)
  assert.deepEqual(values.objectness_BA2.shape, [2, 29_184, 2])
  assert.deepEqual(values.codes_BA4.shape, [2, 29_184, 4])
  for (const image of [0, 1]) {
    assert.equal(sampledOf(image).length, 256)
    const sum = rows('classWeight_BA', image).reduce((a, b) => a + b, 0)
    assert.ok(Math.abs(sum - 1 / 2) < 1e-6, String(sum))
  }
  assert.ok(sampledOf(0).some((i) => isPositive(0, i)))
  assert.ok(
    sampledOf(1).every((i) => !isPositive(1, i)),
    'an image without objects has negative anchors only',
  )
  assert.ok(rows('codeWeight_BA', 1).every((weight) => weight === 0))
})

test('at most half of the samples are positive, and each has the code of an object that it overlaps', () => {
  const objects = Array.from({ length: 60 }, (_, i) => [30 + (i % 6) * 90, 40 + Math.floor(i / 6) * 95])
  const target = targetOf(
    FULL_SIZE,
    objects.map(([y = 0, x = 0]) => [y, x, y + 64, x + 64]),
  )
  const { anchors, rows, sampledOf, isPositive } = encode([target])
  const positives = sampledOf(0).filter((i) => isPositive(0, i))
  assert.ok(positives.length > 60 && positives.length <= 128, String(positives.length))
  for (const i of positives) {
    const decoded = new Float32Array(4)
    decodeBox(rows('codes_BA4', 0), 4 * i, anchors, i, decoded, 0)
    const object = target.classes.findIndex(
      (_, j) => worstError(decoded, target.boxes.subarray(4 * j, 4 * j + 4)) < 1e-3,
    )
    assert.ok(object >= 0, `${decoded} is no object`)
    assert.ok(iou(anchors, i, target.boxes, object) > 0.3)
    assert.equal(rows('codeWeight_BA', 0)[i], rows('classWeight_BA', 0)[i])
  }
})

test('anchors that cross the border of the picture, or lie in its padding, are dropped or kept by an option', () => {
  const target = { ...targetOf({ height: 64, width: 64 }, [[5, 5, 25, 25]]), size: { height: 64, width: 40 } }
  const crossing = (border: 'kept' | 'dropped') => {
    const proposer = { ...MINI.proposer, border, sampling: { ...MINI.proposer.sampling, batch: 3000 } }
    const { anchors, sampledOf } = encode([target], { ...MINI, proposer }, 4)
    return sampledOf(0).filter((i) => {
      const [top = 0, left = 0, bottom = 0, right = 0] = anchors.subarray(4 * i, 4 * i + 4)
      return top < 0 || left < 0 || bottom > 64 || right > 40
    }).length
  }
  assert.equal(crossing('dropped'), 0)
  assert.ok(crossing('kept') > 100)
})

test('a picture smaller than every anchor has no samples', () => {
  const { values } = encode([targetOf({ height: 20, width: 20 }, [[2, 2, 18, 18]])])
  for (const { values: all } of Object.values(values)) assert.ok(all.every((value) => value === 0))
})

test('crowds are no positives, and anchors in them no negatives', () => {
  const target = targetOf(FULL_SIZE, [[0, 0, 600, 1024]], { ignored: [1] })
  assert.deepEqual(encode([target]).sampledOf(0), [])
})

test('objects that vanish and objects outside of the picture change nothing', () => {
  const none = encode([targetOf(FULL_SIZE, [])]).values
  const vanished = [
    [10, 10, 10.5, 300],
    [50, 50, 50, 50],
    [700, 20, 800, 90],
    [Number.NaN, 0, 90, 90],
  ]
  assert.deepEqual(encode([targetOf(FULL_SIZE, vanished)]).values, none)
})

test('the seed of an image decides its samples, whatever the other images are', () => {
  const object = [100, 100, 300, 300]
  const sampled = (seed: number) => encode([targetOf(FULL_SIZE, [object], { seed })]).sampledOf(0)
  assert.deepEqual(sampled(1), sampled(1))
  assert.notDeepEqual(sampled(1), sampled(2))
  const second = encode([targetOf(FULL_SIZE, []), targetOf(FULL_SIZE, [object], { seed: 1 })]).sampledOf(1)
  assert.deepEqual(second, sampled(1))
})
