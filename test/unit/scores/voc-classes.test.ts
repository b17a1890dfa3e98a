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

test('without any object that counts there is no mean', () => {
  assert.ok(Number.isNaN(vocScores([], [detection('cat', 1)], '11-point').mAP))
})
