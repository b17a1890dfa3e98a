import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDetections } from '../../../../src/data/voc/results.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'comp4_det_test_car.txt')
const IMAGES = new Set(['000001', '2008_000003'])

function read(text: string) {
  writeFileSync(file, text)
  return readDetections(file, IMAGES)
}

test('each line has an image, a score and a box', async () => {
  assert.deepEqual(await read('000001 0.702732 89.5 112 516 466\r\n\n2008_000003\t-1e-3 1 1 2 2\n'), [
    { image: '000001', score: 0.702732, box: [89.5, 112, 516, 466] },
    { image: '2008_000003', score: -0.001, box: [1, 1, 2, 2] },
  ])
  assert.deepEqual(await read(''), [])
})

for (const [name, line, message] of [
  ['an unknown image', '000009 0.5 1 1 2 2', /line 2: .*expected an image of the set/],
  ['a missing number', '000001 0.5 1 1 2', /line 2: .*expected IMAGE SCORE XMIN YMIN XMAX YMAX/],
  ['a number too many', '000001 0.5 1 1 2 2 3', /line 2: /],
  ['a score that is not a number', '000001 nan 1 1 2 2', /line 2: /],
  ['a box whose right side is left of the left side', '000001 0.5 9 1 2 2', /line 2: .*XMAX/],
] as const)
  test(`${name} is refused with the line`, () =>
    assert.rejects(read(`000001 0.5 1 1 2 2\n${line}\n`), { code: 'VOC_INVALID', message }))
