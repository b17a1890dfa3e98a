/** Records that we write, read by the Python packages tfrecord and crc32c, and masks beside those of pycocotools. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskOfPolygons } from '../../src/data/coco/polygon-mask.ts'
import { runsOf } from '../../src/data/coco/rle.ts'
import { decodeExample } from '../../src/data/codecs/example.ts'
import { readTfRecords } from '../../src/data/codecs/tfrecord.ts'
import { createRandom } from '../../src/support/random.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { png } from '../unit/data/builders.ts'
import { anyObject, HEIGHT, objectRecord, WIDTH } from '../unit/data/records/builders.ts'
import { runReference } from './python.ts'

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const root = temporaryFolder()

type Read = Record<string, [type: string, values: (string | number)[]]>

test('Python reads every value of our records, and their check sums are right', async (t) => {
  t.diagnostic(`SEED=${SEED}`)
  const file = join(root, 'objects-00000-of-00001')
  const scenes = fc.sample(fc.array(anyObject, { maxLength: 6 }), { seed: SEED, numRuns: 200 })
  const picture = await png(40, WIDTH, HEIGHT)
  const records = scenes.map((objects, i) =>
    objectRecord(String(i), picture, { width: WIDTH, height: HEIGHT, objects }, i % 2 === 0),
  )
  writeFileSync(file, Buffer.concat(await Promise.all(records)))
  const read = (await runReference('records.py', [file])) as Read[]
  assert.equal(read.length, scenes.length)
  for (const [i, objects] of scenes.entries()) {
    const values = (key: string) => read[i]?.[key]?.[1]
    const text = (key: string) => values(key)?.map((hex) => Buffer.from(String(hex), 'hex').toString())
    assert.deepEqual(values('image/encoded'), [picture.toString('hex')])
    assert.deepEqual(text('image/source_id'), [String(i)])
    assert.deepEqual([values('image/height'), values('image/width')], [[HEIGHT], [WIDTH]])
    const shares = objects.map(({ box: [x, , width] }) => Math.fround((x + width) / WIDTH))
    assert.deepEqual(values('image/object/bbox/xmax'), shares)
    assert.deepEqual(
      values('image/object/class/label'),
      objects.map(({ label }) => [1, 18, 24][label]),
    )
    assert.deepEqual(
      text('image/object/class/text'),
      objects.map(({ label }) => ['person', 'dog', 'zebra'][label]),
    )
    assert.equal(values('image/object/mask')?.length, i % 2 === 0 ? objects.length : undefined)
  }
  for await (const item of readTfRecords(file)) {
    assert.ok(item.type === 'record')
    const mine = decodeExample(item.data)
    const theirs = read.shift() as Read
    assert.deepEqual(Object.keys(mine).sort(), Object.keys(theirs).sort())
    for (const [key, feature] of Object.entries(mine)) {
      const [values = []] = Object.values(feature)
      const plain = values.map((value: Uint8Array | number) =>
        typeof value === 'number' ? value : Buffer.from(value).toString('hex'),
      )
      assert.deepEqual(plain, theirs[key]?.[1], key)
    }
  }
})

test('polygons have the pixels that pycocotools gives them', async (t) => {
  t.diagnostic(`SEED=${SEED}`)
  const random = createRandom(SEED)
  const cases = Array.from({ length: 400 }, (_, i) => {
    const [height, width] = [1 + Math.floor(random.next() * 60), 1 + Math.floor(random.next() * 60)]
    // Every third case has whole coordinates, and every fourth reaches beyond the picture.
    const coordinate = (most: number) => {
      const value = (random.next() * (i % 4 === 0 ? 2 : 1) - (i % 4 === 0 ? 0.5 : 0)) * most
      return i % 3 === 0 ? Math.round(value) : Math.round(value * 100) / 100
    }
    const polygon = () =>
      Array.from({ length: 3 + Math.floor(random.next() * 12) }, () => [coordinate(width), coordinate(height)]).flat()
    return { height, width, polygons: Array.from({ length: 1 + (i % 3) }, polygon) }
  })
  const file = join(root, 'polygons.jsonl')
  writeFileSync(file, cases.map((one) => `${JSON.stringify(one)}\n`).join(''))
  const reference = (await runReference('polygons.py', [file])) as number[][]
  assert.equal(reference.length, cases.length)
  cases.forEach(({ polygons, height, width }, i) => {
    const runs = runsOf(maskOfPolygons(polygons, height, width), height, width)
    assert.deepEqual(runs, reference[i], JSON.stringify(cases[i]))
  })
})
