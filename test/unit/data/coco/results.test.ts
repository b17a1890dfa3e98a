import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readResults } from '../../../../src/data/coco/results.ts'
import type { CocoTruth } from '../../../../src/data/coco/truth.ts'
import { truthColumns } from '../../../support/coco-columns.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'results.json')
const TRUTH: CocoTruth = {
  file: 'truth.json',
  images: [1, 4],
  categories: [{ id: 90, name: 'cat' }],
  truths: truthColumns([]),
}
const BOX = { image_id: 4, category_id: 90, bbox: [1, 2, 3, 4], score: 0.5 }
const POSE = { image_id: 4, category_id: 90, keypoints: [10, 20, 1, 14, 25, 1], score: 0.5 }

function read(content: unknown, keypoints = 0) {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return readResults(file, TRUTH, { keypoints })
}

suite('detections of a results file', () => {
  test('keep the order of the file; their area is that of the box', async () => {
    const { count, images, areas, scores } = await read([BOX, { ...BOX, image_id: 1, score: 0.9, bbox: [0, 0, 5, 0] }])
    assert.deepEqual([count, [...images], [...areas], [...scores]], [2, [4, 1], [12, 0], [0.5, 0.9]])
  })

  test('may be none', async () => assert.equal((await read([])).count, 0))

  test('have the box around their keypoints, unless the first has a box', async () => {
    assert.deepEqual([...(await read([POSE], 2)).boxes], [10, 20, 4, 5])
    assert.deepEqual([...(await read([{ ...POSE, bbox: [] }], 2)).areas], [20])
    assert.deepEqual([...(await read([{ ...POSE, bbox: [1, 2, 3, 4] }], 2)).areas], [12])
    assert.deepEqual([...(await read([POSE, { ...POSE, bbox: [1, 2, 3, 4] }], 2)).areas], [20, 20])
    assert.deepEqual([...(await read([POSE])).boxes], [10, 20, 4, 5])
  })
})

suite('a results file is refused, with the place, the image and the field, for', () => {
  for (const [name, content, message] of [
    ['an object', {}, /expected an array of results/],
    ['a detection that is no object', [null], /\[0\]: null: expected an object/],
    [
      'an unknown image',
      [BOX, { ...BOX, image_id: 5 }],
      /\[1\] \(image_id 5\): image_id: 5: expected an id that truth.json/,
    ],
    ['an unknown category', [{ ...BOX, category_id: 1 }], /\[0\] \(image_id 4\): category_id: 1/],
    ['an image of text', [{ ...BOX, image_id: '4' }], /image_id: "4": expected a whole number/],
    ['a missing image', [{ ...BOX, image_id: undefined }], /\[0\]: image_id: missing/],
    ['a missing score', [{ ...BOX, score: undefined }], /score: missing: expected a number/],
    ['a score of text', [{ ...BOX, score: '0.5' }], /score: "0.5"/],
    ['a score of null', [{ ...BOX, score: null }], /score: null/],
    ['a missing box', [{ ...BOX, bbox: undefined }], /bbox: missing/],
    [
      'a mask without a box beside keypoints',
      [{ ...POSE, segmentation: { size: [9, 9], counts: 'PQ1' } }],
      /\[0\] \(image_id 4\): bbox: missing: expected a box beside the segmentation/,
    ],
    ['a box of corners', [{ ...BOX, bbox: [5, 5, -1, 2] }], /bbox: \[5,5,-1,2\]: expected \[x, y, width, height\]/],
    ['a box of five numbers', [{ ...BOX, bbox: [1, 2, 3, 4, 5] }], /expected 4 numbers/],
    ['a second detection without the box of the first', [BOX, { ...POSE }], /\[1\] \(image_id 4\): bbox: missing/],
  ] as const)
    test(name, () => assert.rejects(read(content), { code: 'COCO_INVALID', message }))

  test('boxes alone where keypoints are scored', () =>
    assert.rejects(read([BOX], 2), { code: 'COCO_INVALID', message: /keypoints: missing/ }))

  test('another number of keypoints', () =>
    assert.rejects(read([POSE], 17), { code: 'COCO_INVALID', message: /6 numbers: expected 51/ }))

  for (const value of ['NaN', 'Infinity', '-Infinity'])
    test(`${value}, as Python writes it`, () =>
      assert.rejects(read(`[{"image_id":4,"category_id":90,"bbox":[1,2,3,4],"score":${value}}]`), {
        code: 'JSON_INVALID',
        message: new RegExp(`\\[0\\]: \\(image_id 4\\): score: ${value}`),
      }))

  test('a number beyond the range of a double', () =>
    assert.rejects(read('[{"image_id":4,"category_id":90,"bbox":[1,2,3,4],"score":1e999}]'), {
      code: 'COCO_INVALID',
      message: /score: Infinity/,
    }))
})
