import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { readClasses, readPredictions } from '../../../../src/data/classification/ilsvrc.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = join(temporaryFolder(), 'classes.txt')
const written = (text: string) => {
  writeFileSync(file, text)
  return file
}

suite('ILSVRC text', () => {
  test('has the class of one image a line, also with the line ends of Windows', async () => {
    assert.deepEqual(await readClasses(written('490\r\n361\r\n171')), [490, 361, 171])
  })

  test('has up to five classes a line, separated by spaces, tabs or commas; a line may be empty', async () => {
    assert.deepEqual(await readPredictions(written('1 2 3 4 5\n\n 7\t8,9\n\n\n'), 3), [[1, 2, 3, 4, 5], [], [7, 8, 9]])
  })

  for (const [name, read, message] of [
    ['an empty ground truth', () => readClasses(written('\n')), /no image/],
    ['two classes of an image', () => readClasses(written('1\n2 3\n')), /line 2: 2 classes/],
    ['a class that is no number', () => readClasses(written('1\nn01440764\n')), /line 2: "n01440764"/],
    ['a negative class', () => readPredictions(written('-1\n'), 1), /line 1: "-1"/],
    ['a score beside the class', () => readPredictions(written('1 0.5\n'), 1), /line 1: "0.5"/],
    ['too few lines', () => readPredictions(written('1\n2\n'), 3), /2 lines: expected 3/],
    ['too many lines', () => readPredictions(written('1\n2\n'), 1), /2 lines: expected 1/],
  ] as const)
    test(`refuses ${name}`, () => assert.rejects(read, { code: 'ILSVRC_INVALID', message }))
})
