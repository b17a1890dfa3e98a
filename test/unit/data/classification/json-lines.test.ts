import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readLabelsOfImages, readPredictions } from '../../../../src/data/classification/json-lines.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'labels.jsonl')
const IMAGES = new Map<string | number, number[]>([
  ['a', []],
  [7, []],
])

function truth(text: string, labels?: number) {
  writeFileSync(file, text)
  return readLabelsOfImages(file, { labels })
}

async function predictions(text: string, labels?: number) {
  writeFileSync(file, text)
  return await Array.fromAsync(readPredictions(file, IMAGES, { labels }))
}

test('ids of images are text or numbers, which differ', async () => {
  const images = await truth('{"image_id":"7","labels":[1]}\n\n{"image_id":7,"labels":[]}\r\n')
  assert.deepEqual(
    [...images],
    [
      ['7', [1]],
      [7, []],
    ],
  )
})

test('a prediction is a score for each label or a ranking', async () => {
  assert.deepEqual(await predictions('{"image_id":"a","scores":[0.5,-1e3]}\n{"image_id":7,"labels":[1,0]}'), [
    { image: 'a', type: 'scores', scores: [0.5, -1000] },
    { image: 7, type: 'ranking', labels: [1, 0] },
  ])
})

suite('labels of images are refused, with the line, the image and the field, for', () => {
  for (const [name, text, message] of [
    [
      'an image that stands twice',
      '{"image_id":1,"labels":[]}\n{"image_id":1,"labels":[]}',
      /line 2 \(image_id 1\): image_id: 1/,
    ],
    ['a missing image', '{"labels":[]}', /line 1: image_id: missing/],
    ['missing labels', '{"image_id":1}', /line 1 \(image_id 1\): labels: missing/],
    ['a label of text', '{"image_id":1,"labels":["cat"]}', /labels\[0\]: "cat": expected a label id from 0 to 2/],
    ['an unknown label', '{"image_id":1,"labels":[0,3]}', /labels\[1\]: 3: expected a label id from 0 to 2/],
    ['a label that stands twice', '{"image_id":1,"labels":[1,1]}', /labels: \[1,1\]: expected each label once/],
    ['an array', '[{"image_id":1}]', /line 1: \[.*expected an object/],
    ['text that is no JSON', 'image_id,labels', /line 1: /],
  ] as const)
    test(name, () => assert.rejects(truth(text, 3), { code: 'JSON_LINES_INVALID', message }))
})

suite('predictions are refused, with the line, the image and the field, for', () => {
  for (const [name, text, message] of [
    ['an unknown image', '{"image_id":"b","labels":[]}', /line 1 \(image_id "b"\): image_id: "b"/],
    ['an image that stands twice', '{"image_id":7,"labels":[]}\n{"image_id":7,"labels":[]}', /line 2/],
    ['too few scores', '{"image_id":7,"scores":[1,2]}', /scores: 2 numbers: expected 3/],
    ['a score of null', '{"image_id":7,"scores":[1,null,2]}', /scores\[1\]: null/],
    ['NaN, as Python writes it', '{"image_id":7,"scores":[1,NaN,2]}', /line 1: scores: NaN is not JSON/],
    ['neither scores nor labels', '{"image_id":7}', /labels: missing/],
  ] as const)
    test(name, () => assert.rejects(predictions(text, 3), { code: 'JSON_LINES_INVALID', message }))

  test('another number of scores than the line before', () =>
    assert.rejects(predictions('{"image_id":7,"scores":[1,2]}\n{"image_id":"a","scores":[1]}'), {
      code: 'JSON_LINES_INVALID',
      message: /line 2 \(image_id "a"\): scores: 1 numbers: expected 2/,
    }))
})
