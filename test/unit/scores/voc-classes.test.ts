import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type VocBox, vocScores } from '../../../src/scores/index.ts'

const box: VocBox = [1, 1, 10, 10]
const object = (name: string, difficult = false) => ({ image: 'a', name, box, difficult })
const detection = (name: string, score: number) => ({ image: 'a', name, box, score })

test('the mean is over classes that have an object that counts', () => {
  const objects = [object('cat'), object('dog'), object('bird', true)]
  const { mAP, byClass } = vocScores(
    objects,
    [detection('cat', 0.5), detection('bird', 1), detection('cow', 1)],
    'area',
  )
  assert.deepEqual(
    [...byClass],
    [
      ['cat', 1],
      ['dog', 0],
    ],
  )
  assert.equal(mAP, 1 / 2)
})

for (const [name, wrong, message] of [
  ['a score', { score: Number.NaN }, /^detections\[0\]\.score: \[NaN\]/],
  ['a side of a box', { box: [1, Number.NaN, 10, 10] as VocBox }, /^detections\[0\]\.box: \[1,NaN,10,10\]/],
] as const)
  test(`${name} of NaN is refused`, () =>
    assert.throws(() => vocScores([object('cat')], [{ ...detection('cat', 1), ...wrong }], 'area'), {
      code: 'SCORES_INVALID',
      message,
    }))

test('without any object that counts there is no mean', () => {
  assert.ok(Number.isNaN(vocScores([], [detection('cat', 1)], '11-point').mAP))
})
