/** Run lengths of random masks, beside those of pycocotools. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeRuns, encodeRuns, runsArea, runsOf } from '../../src/data/coco/rle.ts'
import { createRandom } from '../../src/support/random.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { runReference } from './python.ts'

const CASES = 300
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const folder = temporaryFolder()

interface Reference {
  counts: string
  area: number
  decodesOurs: boolean
}

/** From single pixels to runs of many columns. */
function randomMask(seed: number) {
  const random = createRandom(seed)
  const [height, width] = [1 + random.int(120), 1 + random.int(120)]
  const change = 0.5 ** random.int(10)
  let pixel = random.int(2)
  const columns = Uint8Array.from({ length: height * width }, () => {
    if (random.next() < change) pixel = 1 - pixel
    return pixel
  })
  const pixels = Uint8Array.from(
    { length: height * width },
    (_, i) => columns[(i % width) * height + Math.floor(i / width)] as number,
  )
  return { height, width, pixels }
}

test(`${CASES} random masks have the compressed counts and areas of pycocotools`, async (t) => {
  t.diagnostic(`SEED=${SEED}`)
  const cases = Array.from({ length: CASES }, (_, i) => {
    const { height, width, pixels } = randomMask(SEED + i)
    const runs = runsOf(pixels, height, width)
    return { height, width, pixels: [...pixels], runs, ours: encodeRuns(runs) }
  })
  const file = join(folder, 'masks.json')
  writeFileSync(file, JSON.stringify(cases))
  const references = (await runReference('rle.py', [file])) as Reference[]
  assert.equal(references.length, CASES)
  references.forEach(({ counts, area, decodesOurs }, i) => {
    const { ours, runs } = cases[i] as (typeof cases)[number]
    assert.equal(ours, counts, `seed ${SEED + i}`)
    assert.deepEqual(decodeRuns(counts), runs)
    assert.equal(runsArea(runs), area)
    assert.ok(decodesOurs)
  })
})
