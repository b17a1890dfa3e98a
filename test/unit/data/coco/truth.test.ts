import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type CocoTruth, readTruth } from '../../../../src/data/coco/truth.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'truth.json')
const OBJECT = { id: 5, image_id: 1, category_id: 90, bbox: [1, 2, 3, 4], area: 12, iscrowd: 0 }
const PERSON = { ...OBJECT, keypoints: [1, 1, 2, 3, 3, 0], num_keypoints: 1 }

/** @param over replaces keys of a file that can be read */
function read(over: object | string, keypoints = 0): Promise<CocoTruth> {
  const content = { images: [{ id: 1 }], categories: [{ id: 90, name: 'cat' }], annotations: [OBJECT] }
  writeFileSync(file, typeof over === 'string' ? over : JSON.stringify({ ...content, ...over }))
  return readTruth(file, { keypoints })
}

suite('objects of an annotation file', () => {
  test('are read in any order of the keys, with ids that have gaps', async () => {
    const truth = await read(
      '{"annotations":[],"categories":[{"id":90,"name":"b"},{"id":3,"name":"a"}],"images":[{"id":8}]}',
    )
    assert.deepEqual(
      truth.categories.map(({ id }) => id),
      [90, 3],
    )
    assert.deepEqual([truth.images, truth.truths.count], [[8], 0])
  })

  test('are ignored if they are crowds, and for keypoints if none is labelled', async () => {
    const crowd = { ...OBJECT, id: 6, iscrowd: true }
    assert.deepEqual([...(await read({ annotations: [OBJECT, crowd] })).truths.ignored], [0, 1])
    const bare = { ...PERSON, id: 6, num_keypoints: 0 }
    assert.deepEqual([...(await read({ annotations: [PERSON, bare] }, 2)).truths.ignored], [0, 1])
  })

  test('may have no pixels, and boxes beyond the image: pycocotools takes both', async () => {
    const { truths } = await read({ annotations: [{ ...OBJECT, bbox: [-5, -5, 0, 9000], area: 0 }] })
    assert.deepEqual([...truths.boxes, ...truths.areas], [-5, -5, 0, 9000, 0])
  })

  test('may be absent, and images and categories, too', async () => {
    const { images, categories, truths } = await read({ images: [], categories: [], annotations: [] })
    assert.deepEqual([images.length, categories.length, truths.count], [0, 0, 0])
  })
})

suite('an annotation file is refused, with the record, its id and the field, for', () => {
  const objects = (over: object) => ({ annotations: [{ ...OBJECT, ...over }] })
  for (const [name, over, message] of [
    ['an array', '[]', /images: missing/],
    ['a missing list', { annotations: undefined }, /annotations: missing/],
    ['a missing box', objects({ bbox: undefined }), /annotations\[0\] \(id 5\): bbox: missing/],
    ['a box of three numbers', objects({ bbox: [1, 2, 3] }), /bbox: \[1,2,3\]: expected 4 numbers/],
    ['a box with a negative size', objects({ bbox: [1, 2, 3, -4] }), /\(id 5\): bbox: \[1,2,3,-4\]/],
    ['a missing area', objects({ area: undefined }), /area: missing/],
    ['a missing crowd flag', objects({ iscrowd: undefined }), /iscrowd: missing/],
    ['another crowd flag', objects({ iscrowd: 2 }), /iscrowd: 2: expected 0 or 1/],
    ['an unknown image', objects({ image_id: 7 }), /annotations\[0\] \(id 5\): image_id: 7/],
    ['an unknown category', objects({ category_id: 7 }), /annotations\[0\] \(id 5\): category_id: 7/],
    ['an id of text', objects({ id: '5' }), /id: "5": expected a whole number/],
    ['an id with a fraction', objects({ image_id: 1.5 }), /image_id: 1.5: expected a whole number/],
    ['an id that JavaScript cannot hold', objects({ image_id: 2 ** 60 }), /image_id/],
    ['two objects of one id', { annotations: [OBJECT, OBJECT] }, /annotations\[1\] \(id 5\): id: 5/],
    ['two images of one id', { images: [{ id: 1 }, { id: 1 }] }, /images\[1\] \(id 1\): id: 1/],
    ['two categories of one id', { categories: [1, 1].map((id) => ({ id, name: 'a' })) }, /categories\[1\] \(id 1\)/],
    ['a category without a name', { categories: [{ id: 90 }] }, /categories\[0\] \(id 90\): name: missing/],
    ['a record that is no object', { images: [3] }, /images\[0\]: 3: expected an object/],
  ] as const)
    test(name, () => assert.rejects(read(over), { code: 'COCO_INVALID', message }))

  for (const [name, over, message] of [
    ['missing keypoints', { keypoints: undefined }, /\(id 5\): keypoints: missing/],
    ['another number of keypoints', { keypoints: [1, 1, 2] }, /keypoints: 3 numbers: expected 6, three for each of 2/],
    ['a missing count of keypoints', { num_keypoints: undefined }, /num_keypoints: missing/],
  ] as const)
    test(name, () =>
      assert.rejects(read({ annotations: [{ ...PERSON, ...over }] }, 2), { code: 'COCO_INVALID', message }),
    )

  test('NaN, as Python writes it', () =>
    assert.rejects(read(JSON.stringify({ images: [], categories: [], annotations: [OBJECT] }).replace('12', 'NaN')), {
      code: 'JSON_INVALID',
      message: /annotations\[0\]: \(id 5\): area: NaN/,
    }))

  test('an end before its time', () =>
    assert.rejects(read('{"images":[{"id":1}],"annotations":[{"id":5,'), {
      code: 'JSON_INVALID',
      message: /annotations\[0\]: the file ends too early/,
    }))
})
