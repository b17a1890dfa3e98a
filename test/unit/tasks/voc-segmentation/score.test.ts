import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createScorer, sketchMask } from '../../../../src/tasks/voc-segmentation/score.ts'

const VOID = 255
const CLASSES = 4

const target = (classes: readonly number[]) => {
  const size = { height: 1, width: classes.length }
  return { ...size, classes: Uint8Array.from(classes), seen: size }
}
const prediction = (classes: readonly number[], loss = { sum: 0, pixels: 0 }) => ({
  classes: Uint8Array.from(classes),
  loss,
})

/** Intersection over union of sets of pixels, mean over the classes that occur in either. */
function referenceMean(pairs: readonly (readonly [truth: number, predicted: number])[]): number {
  const counted = pairs.filter(([truth]) => truth !== VOID)
  const ratios = [...Array(CLASSES).keys()].flatMap((c) => {
    const union = counted.filter(([truth, predicted]) => truth === c || predicted === c).length
    const both = counted.filter(([truth, predicted]) => truth === c && predicted === c).length
    return union === 0 ? [] : [both / union]
  })
  return ratios.length === 0 ? 0 : ratios.reduce((a, b) => a + b, 0) / ratios.length
}

const aClass = fc.integer({ min: 0, max: CLASSES - 1 })
const pixel = fc.tuple(fc.oneof({ weight: 5, arbitrary: aClass }, { weight: 1, arbitrary: fc.constant(VOID) }), aClass)

test('mIOU is the mean over all pixels of all pictures, background included and void skipped', () => {
  fc.assert(
    fc.property(fc.array(fc.array(pixel, { minLength: 1, maxLength: 12 }), { maxLength: 4 }), (pictures) => {
      const scorer = createScorer(CLASSES)
      for (const pixels of pictures)
        scorer.add([prediction(pixels.map(([, one]) => one))], [target(pixels.map(([one]) => one))])
      const { mIOU, pixelAccuracy } = scorer.result()
      const all = pictures.flat()
      assert.ok(Math.abs((mIOU as number) - referenceMean(all)) < 1e-12)
      const counted = all.filter(([truth]) => truth !== VOID)
      const right = counted.filter(([truth, predicted]) => truth === predicted).length
      assert.equal(pixelAccuracy, counted.length === 0 ? 0 : right / counted.length)
    }),
  )
})

test('the loss is the mean over all logits, and every metric is 0 where nothing counts', () => {
  const scorer = createScorer(CLASSES)
  assert.deepEqual(scorer.result(), { mIOU: 0, pixelAccuracy: 0, loss: 0 })
  scorer.add([prediction([0, 1], { sum: 0, pixels: 0 })], [target([VOID, VOID])])
  assert.deepEqual(scorer.result(), { mIOU: 0, pixelAccuracy: 0, loss: 0 })
  scorer.add(
    [prediction([1], { sum: 3, pixels: 1 }), prediction([1], { sum: 1, pixels: 3 })],
    [target([1]), target([1])],
  )
  assert.equal(scorer.result().loss, 1)
})

test('a sketch has both masks and the score of its picture, and none where all is void', () => {
  const truth = target([0, 1, VOID, 1])
  const predicted = prediction([0, 1, 3, 0])
  assert.deepEqual(sketchMask(predicted, truth, CLASSES), {
    score: (1 / 2 + 1 / 2) / 2,
    truth: { type: 'mask', width: 4, height: 1, classes: truth.classes },
    prediction: { type: 'mask', width: 4, height: 1, classes: predicted.classes },
  })
  assert.equal(sketchMask(prediction([0]), target([VOID]), CLASSES).score, undefined)
})
