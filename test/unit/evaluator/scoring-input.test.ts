import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { scoringInput } from '../../../src/evaluator/evaluate.ts'
import { openEvaluationSet } from '../../../src/evaluator/evaluation-set.ts'
import { silentLog } from '../../../src/support/log.ts'
import { writeCoco } from '../../support/coco-files.ts'
import { makeScenes } from '../../support/scenes.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const FOLDER = temporaryFolder()
const box = { category_id: 1, bbox: [1, 1, 50, 90], score: 0.5 }

async function inputOf(subset?: { fraction: number; seed: number }) {
  const annotations = 'annotations/person_keypoints_val.json'
  const data = { path: '.', format: 'coco', annotations, maxCorruptRecords: 0, ...(subset && { subset }) } as const
  const evaluation = { data, metric: { name: 'AP', better: 'higher' }, batchSize: 4 } as const
  const task = { type: 'coco-pose', options: {}, input: { personBoxes: 'found.json' } }
  const set = await openEvaluationSet(FOLDER, { task, evaluation, seed: 1 }, silentLog)
  return scoringInput({ task, evaluation }, set)
}

test('a file that the input names is checked against the whole evaluation set, before anything is scored', async () => {
  await writeCoco(FOLDER, 'val', makeScenes(12, 1, 40))
  const found = (image_id: number) => writeFile(join(FOLDER, 'found.json'), JSON.stringify([{ ...box, image_id }]))
  await assert.rejects(inputOf(), { code: 'DATA_MISSING', message: /found\.json/ })
  await found(51)
  await inputOf()
  await found(52)
  await assert.rejects(inputOf(), { code: 'COCO_INVALID', message: /image_id: 52: expected the id of an image/ })
  await inputOf({ fraction: 0.5, seed: 1 })
})
