/** VOC's average precision and mean IoU of random folders, beside those of a reference that is written in numpy. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { scoreVocDetection, scoreVocSegmentation } from '../../src/cli/evaluate/voc.ts'
import { VOC_CLASSES } from '../../src/data/voc/folder.ts'
import { MASK_SET, writeMaskCase } from './mask-cases.ts'
import { runReference } from './python.ts'
import { VOC_SET, writeVocCase } from './voc-cases.ts'

const CASES = 300
const TOLERANCE = 1e-9
const FIRST_SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const root = mkdtempSync(join(tmpdir(), 'downpour-voc-'))
after(() => rmSync(root, { recursive: true }))

type Numbers = Readonly<Record<string, number>>

/** @returns path of a folder with the cases, one a seed */
function casesIn(name: string, write: (folder: string, seed: number) => void): string {
  const folder = join(root, name)
  mkdirSync(folder)
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++) write(join(folder, String(seed)), seed)
  return folder
}

/** @returns how many of the values are between 0 and 1. @throws where two values differ */
function assertEqual(ours: Numbers, expected: Numbers, what: string): number {
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(expected).sort(), what)
  for (const [name, value] of Object.entries(expected)) {
    const distance = Math.abs((ours[name] as number) - value)
    assert.ok(distance <= TOLERANCE, `${what}: ${name}: ${ours[name]} beside ${value}`)
  }
  return Object.values(expected).filter((value) => value > 0 && value < 1).length
}

test(`${CASES} random VOC folders have the average precisions of voc_eval`, async (t) => {
  t.diagnostic(`SEED=${FIRST_SEED}`)
  const folder = casesIn('boxes', writeVocCase)
  const references = (await runReference('voc.py', [folder])) as ({ case: string } & Record<string, Numbers>)[]
  assert.equal(references.length, CASES)
  let defined = 0
  for (const { case: seed, ...expected } of references) {
    const groundTruth = join(folder, seed)
    const files = { groundTruth, predictions: join(groundTruth, 'results'), imageSet: VOC_SET }
    for (const method of ['11-point', 'area'] as const) {
      const { byCategory } = await scoreVocDetection(files, method)
      defined += assertEqual(byCategory, expected[method] as Numbers, `seed ${seed}, ${method}`)
    }
  }
  t.diagnostic(`${references.length} folders, ${defined} values between 0 and 1`)
})

interface MaskReference {
  case: string
  mIOU: number | null
  pixelAccuracy: number | null
  byClass: (number | null)[]
}

test(`${CASES} random folders of masks have the mean IoU of the reference`, async (t) => {
  t.diagnostic(`SEED=${FIRST_SEED}`)
  const folder = casesIn('masks', writeMaskCase)
  const references = (await runReference('mean_iou.py', [folder])) as MaskReference[]
  assert.equal(references.length, CASES)
  const labels = ['background', ...VOC_CLASSES]
  let defined = 0
  for (const { case: seed, byClass, ...summary } of references) {
    const groundTruth = join(folder, seed)
    const files = { groundTruth, predictions: join(groundTruth, 'results'), imageSet: MASK_SET }
    const ours = await scoreVocSegmentation(files, VOC_CLASSES)
    const classes = byClass.flatMap((value, c) => (value === null ? [] : [[labels[c], value]]))
    defined += assertEqual(ours.byCategory, Object.fromEntries(classes), `seed ${seed}`)
    if (summary.mIOU !== null) assertEqual(ours.summary, summary as Numbers, `seed ${seed}`)
    else assert.ok(Object.values(ours.summary).every(Number.isNaN), `seed ${seed}: no pixel counts`)
  }
  t.diagnostic(`${references.length} folders, ${defined} values between 0 and 1`)
})
