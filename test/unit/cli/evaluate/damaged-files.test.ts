/** Files that are damaged in any way give scores or an error with a code, never a crash or an endless run. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { EVALUATIONS, type EvaluationName } from '../../../../src/cli/evaluate/tasks.ts'
import { DownpourError } from '../../../../src/support/errors.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { RESULTS, TRUTH, write, writeVoc } from './files.ts'

const folder = temporaryFolder()
const voc = writeVoc(join(folder, 'voc'))
const keypoints = [12, 12, 2, 30, 30, 2]
const people = TRUTH.annotations.map((annotation) => ({ ...annotation, keypoints, num_keypoints: 2 }))
const json = {
  truth: write(folder, 'truth.json', { ...TRUTH, annotations: people }),
  results: write(
    folder,
    'results.json',
    RESULTS.map((result) => ({ ...result, keypoints })),
  ),
}
const coco = { groundTruth: json.truth, predictions: json.results }

/** The files that are damaged, one at a time. */
const CASES: readonly {
  task: EvaluationName
  options: { groundTruth: string; predictions: string; sigmas?: number[] }
  files: readonly string[]
}[] = [
  { task: 'coco-detection', options: coco, files: Object.values(json) },
  { task: 'coco-keypoints', options: { ...coco, sigmas: [0.1, 0.2] }, files: Object.values(json) },
  {
    task: 'voc-detection',
    options: voc,
    files: ['Annotations/a.xml', 'ImageSets/Main/test.txt', 'results/comp4_det_test_car.txt'],
  },
  { task: 'voc-segmentation', options: voc, files: ['SegmentationClass/a.png', 'results/a.png'] },
  {
    task: 'imagenet-classification',
    options: {
      groundTruth: write(folder, 'truth.txt', '3\n4\n'),
      predictions: write(folder, 'predictions.txt', '3 1\n1 4\n'),
    },
    files: ['../truth.txt', '../predictions.txt'],
  },
  {
    task: 'multi-label',
    options: {
      groundTruth: write(folder, 'truth.jsonl', '{"image_id":"a","labels":[2]}\n{"image_id":"b","labels":[1]}\n'),
      predictions: write(folder, 'predictions.jsonl', '{"image_id":"a","scores":[3,2,1]}\n'),
    },
    files: ['../truth.jsonl', '../predictions.jsonl'],
  },
]

const TEXTS = [
  '',
  'NaN',
  '-',
  '1e999',
  '"',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '<',
  '&',
  '\u0000',
  '\n',
  'null',
  'é',
  '-1',
  '9'.repeat(25),
]

/** Eleven times 1 / 11 is more than 1, in numpy too. */
const ROUNDING = 1e-12

/** Replaces some bytes by a text, or cuts the file. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(12),
  text: fc.constantFrom(...TEXTS),
  cut: fc.boolean(),
})

suite('any damage of', () => {
  for (const { task, options, files } of CASES)
    for (const name of files) {
      const file = name.startsWith('/') ? name : join(folder, 'voc', name)
      test(`${task}: ${name.split('/').at(-1)}`, async () => {
        const whole = readFileSync(file)
        await EVALUATIONS[task].score(options)
        const outcomes = { scored: 0, refused: 0 }
        await fc.assert(
          fc.asyncProperty(damage, async ({ at, length, text, cut }) => {
            const place = Math.floor(at * whole.length)
            const rest = cut ? Buffer.alloc(0) : whole.subarray(place + length)
            writeFileSync(file, Buffer.concat([whole.subarray(0, place), Buffer.from(text), rest]))
            try {
              const { summary } = await EVALUATIONS[task].score(options)
              for (const value of Object.values(summary)) assert.ok(!(value < -1 || value > 1 + ROUNDING), `${value}`)
              outcomes.scored++
            } catch (error) {
              if (!(error instanceof DownpourError)) throw error
              assert.ok(error.message.includes(folder), error.message)
              outcomes.refused++
            }
          }),
          { numRuns: 150 },
        )
        writeFileSync(file, whole)
        assert.ok(outcomes.refused > 0, 'some damage was found')
      })
    }
})
