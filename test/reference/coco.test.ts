/** COCO scores of random files, beside those that pycocotools gives. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type CocoScores, scoreBoxes, scoreKeypoints } from '../../src/cli/evaluate/coco.ts'
import { type Kind, randomCase } from './coco-cases.ts'
import { runReference } from './python.ts'

const CASES = 300
const TOLERANCE = 1e-9
const FIRST_SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const folder = mkdtempSync(join(tmpdir(), 'downpour-coco-'))
after(() => rmSync(folder, { recursive: true }))

interface Reference {
  case: string
  stats: number[]
  byClass: number[]
}

async function ourScores(kind: Kind, seed: number): Promise<CocoScores> {
  const { truth, results, sigmas } = randomCase(seed, kind)
  const [groundTruth, predictions] = [join(folder, `${seed}.truth.json`), join(folder, `${seed}.results.json`)]
  writeFileSync(groundTruth, JSON.stringify(truth))
  writeFileSync(predictions, JSON.stringify(results))
  if (sigmas) writeFileSync(join(folder, `${seed}.sigmas.json`), JSON.stringify(sigmas))
  const files = { groundTruth, predictions }
  return kind === 'bbox' ? scoreBoxes(files) : scoreKeypoints(files, sigmas)
}

/** pycocotools lists classes by their id; the cases' ids descend. */
function numbersOf({ summary, byCategory }: CocoScores): number[] {
  return [...Object.values(summary), ...Object.values(byCategory).reverse()]
}

for (const kind of ['bbox', 'keypoints'] as const) {
  test(`${CASES} random files have the ${kind} scores that pycocotools gives`, async (t) => {
    t.diagnostic(`SEED=${FIRST_SEED}`)
    const ours = new Map<string, number[]>()
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed++)
      ours.set(String(seed), numbersOf(await ourScores(kind, seed)))
    const references = (await runReference('coco.py', [folder, kind])) as Reference[]
    assert.equal(references.length, CASES)
    let [largest, defined] = [0, 0]
    for (const { case: seed, stats, byClass } of references) {
      const expected = [...stats, ...byClass]
      const values = ours.get(seed) as number[]
      assert.equal(values.length, expected.length)
      const distances = values.map((value, i) => Math.abs(value - (expected[i] as number)))
      assert.ok(Math.max(...distances) <= TOLERANCE, `seed ${seed}: ${values} beside ${expected}`)
      largest = Math.max(largest, ...distances)
      defined += expected.filter((value) => value > 0 && value < 1).length
    }
    t.diagnostic(`${references.length} cases, ${defined} values between 0 and 1, apart by at most ${largest}`)
    for (const { case: seed } of references)
      for (const part of ['truth', 'results', 'sigmas']) rmSync(join(folder, `${seed}.${part}.json`), { force: true })
  })
}
