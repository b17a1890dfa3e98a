import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type VocBox, vocAveragePrecision, vocCurve, vocOverlap } from '../../../src/scores/voc.ts'

suite('average precision of VOC', () => {
  // paper.md §4.11
  const curve = {
    recall: Float64Array.of(0.2, 0.2, 0.4, 0.4, 0.6),
    precision: Float64Array.of(1, 1 / 2, 2 / 3, 2 / 4, 3 / 5),
  }
  test('equals the golden values by eleven points and by area', () => {
    assert.ok(Math.abs(vocAveragePrecision(curve, '11-point') - 0.448485) < 1e-6)
    assert.ok(Math.abs(vocAveragePrecision(curve, 'area') - 0.453333) < 1e-6)
  })

  test('is 0 for a class without detections, and undefined for one without objects', () => {
    const object = { image: 'a', box: [1, 1, 10, 10] as VocBox, difficult: false }
    const none = vocCurve([object], [])
    assert.deepEqual(none && [vocAveragePrecision(none, '11-point'), vocAveragePrecision(none, 'area')], [0, 0])
    assert.equal(vocCurve([{ ...object, difficult: true }], [{ image: 'a', box: [1, 1, 10, 10], score: 1 }]), undefined)
  })
})

suite('a detection of VOC', () => {
  const box: VocBox = [1, 1, 10, 10]
  const object = (image: string, difficult = false) => ({ image, box, difficult })
  const detection = (image: string, score: number, found: VocBox = box) => ({ image, box: found, score })

  test('needs more than half: boxes include their last pixel', () => {
    assert.equal(vocOverlap([1, 1, 1, 1], [1, 1, 1, 1]), 1)
    assert.equal(vocOverlap([1, 1, 10, 10], [1, 1, 10, 20]), 0.5)
    const precision = (found: VocBox) => vocCurve([object('a')], [detection('a', 1, found)])?.precision[0]
    assert.equal(precision([1, 1, 10, 20]), 0)
    assert.equal(precision([1, 1, 10, 19]), 1)
  })

  test('of an object that is taken is wrong, and of a difficult one neither right nor wrong', () => {
    const curve = vocCurve(
      [object('a'), object('b', true), object('c')],
      [detection('a', 0.9), detection('a', 0.8), detection('b', 0.7), detection('b', 0.6), detection('c', 0.5)],
    )
    assert.deepEqual([...(curve?.precision ?? [])], [1, 1 / 2, 1 / 2, 1 / 2, 2 / 3])
    assert.deepEqual([...(curve?.recall ?? [])], [1 / 2, 1 / 2, 1 / 2, 1 / 2, 1])
  })

  test('looks only at the object that it overlaps most, even if another is free', () => {
    const near: VocBox = [1, 1, 10, 11]
    const curve = vocCurve(
      [object('a'), { image: 'a', box: near, difficult: false }],
      [detection('a', 0.9, near), detection('a', 0.8, near)],
    )
    assert.deepEqual([...(curve?.precision ?? [])], [1, 1 / 2])
  })
})
