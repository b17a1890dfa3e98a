import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Label } from '../../../../src/data/labels.ts'
import { errorCode } from '../../../../src/support/errors.ts'
import { findPerson, KEYPOINTS, MIRRORED } from '../../../../src/tasks/coco-pose/skeleton.ts'
import { PERSON } from './builders.ts'

const CAR: Label = { id: 1, name: 'car', parents: [] }

test('left and right change places, by their names', () => {
  assert.equal(KEYPOINTS.length, 17)
  assert.deepEqual(MIRRORED.map((k) => KEYPOINTS[k]).slice(0, 3), ['nose', 'right_eye', 'left_eye'])
  for (const [k, mirrored] of MIRRORED.entries()) assert.equal(MIRRORED[mirrored], k)
})

test('persons are the class with keypoints, in any order of their names', () => {
  const reversed = { ...PERSON, id: 1, keypoints: KEYPOINTS.toReversed() }
  assert.deepEqual(findPerson([{ ...CAR, id: 0 }, reversed], 'data'), {
    label: 1,
    category: 1,
    order: KEYPOINTS.map((_, k) => 16 - k),
  })
})

test('other keypoints are refused, and the message names them', () => {
  const cases: [string, Label[], RegExp][] = [
    ['no keypoints', [CAR], /data: none of its 1 classes has names of keypoints.*person_keypoints/],
    ['an empty list', [{ ...PERSON, keypoints: [] }], /none of its 1 classes/],
    [
      'another skeleton',
      [{ ...PERSON, name: 'cow', keypoints: ['nose', 'tail'] }],
      /data: class "cow" has 2 keypoints.*lacks \["left_eye".*others \["tail"\]/,
    ],
    ['more keypoints', [{ ...PERSON, keypoints: [...KEYPOINTS, 'neck'] }], /has 18 keypoints.*others \["neck"\]/],
    [
      'one twice',
      [{ ...PERSON, keypoints: [...KEYPOINTS.slice(0, 16), 'nose'] }],
      /lacks \["right_ankle"\].*others \["nose"\]/,
    ],
    ['two classes', [PERSON, { ...PERSON, id: 1, name: 'ape' }], /\["person","ape"\] have keypoints/],
  ]
  for (const [name, labels, message] of cases) {
    assert.throws(
      () => findPerson(labels, 'data'),
      (error) => errorCode(error) === 'DATA_KEYPOINTS' && message.test(String(error)),
      name,
    )
  }
})
