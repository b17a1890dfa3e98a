import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorCode } from '../../../../src/support/errors.ts'
import { readPersonBoxes } from '../../../../src/tasks/coco-pose/person-boxes.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const FOLDER = temporaryFolder()
const found = { image_id: 7, category_id: 1, bbox: [1, 2, 30, 40], score: 0.9 }
const options = { category: 1, images: new Set(['7', '8']) }

async function fileOf(content: unknown): Promise<string> {
  const file = join(FOLDER, 'detections.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

test('boxes of persons by image; those of other categories are left out', async () => {
  const file = await fileOf([found, { ...found, category_id: 3 }, { ...found, score: 0.2 }, { ...found, image_id: 8 }])
  const boxes = await readPersonBoxes(file, options)
  assert.deepEqual([...boxes.keys()], ['7', '8'])
  assert.deepEqual(boxes.get('7'), [
    { box: [1, 2, 30, 40], score: 0.9 },
    { box: [1, 2, 30, 40], score: 0.2 },
  ])
})

test('a file that does not belong to the data is refused, and the message names file, place, field and value', async () => {
  const cases: [string, unknown, string, RegExp][] = [
    [
      'an unknown image',
      [found, { ...found, image_id: 9 }],
      'COCO_INVALID',
      /detections\.json: \[1\] \(image_id 9\): image_id: 9: expected the id of an image of the evaluation data/,
    ],
    ['a box with a negative side', [{ ...found, bbox: [1, 2, -3, 4] }], 'COCO_INVALID', /bbox: \[1,2,-3,4\]/],
    ['keypoints instead of boxes', [{ ...found, bbox: undefined }], 'COCO_INVALID', /bbox: missing/],
    ['no score', [{ ...found, score: null }], 'COCO_INVALID', /score: null/],
    ['no box of a person', [{ ...found, category_id: 3 }], 'DATA_EMPTY', /no box of category 1/],
    ['annotations', { annotations: [found] }, 'COCO_INVALID', /expected an array of results/],
    ['no JSON', '[{', 'JSON_INVALID', /detections\.json/],
  ]
  for (const [name, content, code, message] of cases) {
    const file = await fileOf(content)
    await assert.rejects(
      readPersonBoxes(file, options),
      (error) => errorCode(error) === code && message.test(String(error)),
      name,
    )
  }
})
