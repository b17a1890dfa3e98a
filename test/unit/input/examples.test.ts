import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { EXIT } from '../../../src/contract/runtime.ts'
import type { ClassLabels, Dataset } from '../../../src/data/dataset.ts'
import { openClassDataset } from '../../../src/data/formats.ts'
import { CorruptionCount } from '../../../src/input/corruption-count.ts'
import { createExampleReader, examplesOf } from '../../../src/input/examples.ts'
import { squareCrop } from '../../../src/input/square-crop.ts'
import type { DownpourError } from '../../../src/support/errors.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { encodeRecord, inside, type RecordSpec, records, writeRecords } from '../data/builders.ts'
import { readUnit } from './builders.ts'

const root = temporaryFolder()
const PIXELS = 4
const { decode } = squareCrop(
  { resizePixels: PIXELS, cropPixels: PIXELS, flip: false, resizeFilter: 'lanczos3' },
  () => null,
)
const NO_PICTURE = Buffer.from('no picture')

async function datasetOf(...units: RecordSpec[][]): Promise<{ dataset: Dataset<ClassLabels>; file: string }> {
  const folder = inside(root)
  return {
    dataset: await openClassDataset(folder, await writeRecords(folder, units)),
    file: join(folder, 'x-00000.tfrecord'),
  }
}

const damaged = (id: string): RecordSpec => ({ id, labels: [2], encoded: NO_PICTURE })

test('examples are decoded and have the ancestors of their labels', async () => {
  const { dataset } = await datasetOf([{ id: 'one', labels: [2] }])
  const [example] = await readUnit(createExampleReader(dataset, decode, new CorruptionCount(0)), 0)
  assert.deepEqual(
    { ...example, picture: example?.picture.rgb.length },
    { id: 'one', picture: PIXELS * PIXELS * 3, annotation: { labels: [2, 0, 1] } },
  )
})

test('damaged images are skipped and counted up to the limit; one more is an error with file, offset and id', async () => {
  const unit = [damaged('bad 0'), { id: 'good', labels: [2] }, damaged('bad 1'), damaged('bad 2')]
  const { dataset, file } = await datasetOf(unit)
  const tolerant = new CorruptionCount(3)
  const ids = (await readUnit(createExampleReader(dataset, decode, tolerant), 0)).map(({ id }) => id)
  assert.deepEqual(ids, ['good'])
  assert.equal(tolerant.count, 3)
  const before = await Promise.all(unit.slice(0, 3).map(encodeRecord))
  const offset = before.reduce((sum, bytes) => sum + bytes.length, 0)
  await assert.rejects(
    readUnit(createExampleReader(dataset, decode, new CorruptionCount(2)), 0),
    (error: DownpourError) => {
      assert.equal(error.code, 'BAD_DATA')
      assert.match(
        error.message,
        new RegExp(`${file} at byte ${offset}, image bad 2: .*damaged record 3, .*maxCorruptRecords is 2`),
      )
      assert.equal(exitCodeOf(error.code), EXIT.badData)
      return true
    },
  )
})

test('the same damage in the next epoch is not counted again', async () => {
  const { dataset } = await datasetOf([damaged('bad'), { id: 'good', labels: [2] }])
  const corruption = new CorruptionCount(1)
  const reader = createExampleReader(dataset, decode, corruption)
  for (let epoch = 0; epoch < 3; epoch++) assert.equal((await readUnit(reader, 0)).length, 1)
  assert.equal(corruption.count, 1)
})

test('a label outside of the labels file is not skipped as damage: it is bad data, with file and offset', async () => {
  const { dataset, file } = await datasetOf([{ id: 'one', labels: [9] }])
  await assert.rejects(
    readUnit(createExampleReader(dataset, decode, new CorruptionCount(100)), 0),
    (error: DownpourError) => {
      assert.equal(error.code, 'LABEL_UNKNOWN')
      assert.ok(error.message.startsWith(`${file} at byte 0: label 9 is not in `), error.message)
      assert.equal(exitCodeOf(error.code), EXIT.badData)
      return true
    },
  )
})

test('units that fit into the cache are decoded once; others are read again', async () => {
  const { dataset } = await datasetOf(records('a', 2), records('b', 2))
  const reads = readsOf(dataset)
  const pictureBytes = PIXELS * PIXELS * 3
  const reader = createExampleReader(reads.dataset, decode, new CorruptionCount(0), { cacheBytes: 3 * pictureBytes })
  const readBoth = async () => [await readUnit(reader, 0), await readUnit(reader, 1)]
  const first = await readBoth()
  assert.equal(reads.count(), 2)
  assert.deepEqual(await readBoth(), first)
  assert.equal(reads.count(), 3, 'unit 0 fits, unit 1 does not')
})

test('a unit that was read in part is not cached', async () => {
  const { dataset } = await datasetOf(records('a', 3))
  const reader = createExampleReader(dataset, decode, new CorruptionCount(0), { cacheBytes: 1e6 })
  for await (const _ of examplesOf(reader.open(0), 1)) break
  assert.equal((await readUnit(reader, 0)).length, 3)
})

test('the reservation of a unit that was given up goes to others', async () => {
  const { dataset } = await datasetOf(records('a', 2), records('b', 2))
  const cacheBytes = 2 * PIXELS * PIXELS * 3
  const reads = readsOf(dataset)
  const reader = createExampleReader(reads.dataset, decode, new CorruptionCount(0), { cacheBytes })
  for await (const _ of examplesOf(reader.open(0), 1)) break
  await readUnit(reader, 0)
  await readUnit(reader, 0)
  assert.equal(reads.count(), 2, 'the second complete reading is from the cache')
})

test('several pictures are decoded at once, and come in the order of the file', async () => {
  const { dataset } = await datasetOf(records('a', 12))
  let [active, most] = [0, 0]
  const slow = async (bytes: Uint8Array) => {
    most = Math.max(most, ++active)
    const picture = await decode(bytes)
    active--
    return picture
  }
  for (const decoders of [1, 3]) {
    most = 0
    const reader = createExampleReader(dataset, slow, new CorruptionCount(0), { decoders })
    const ids = (await readUnit(reader)).map(({ id }) => id)
    assert.deepEqual(
      ids,
      records('a', 12).map(({ id }) => id),
    )
    assert.equal(most, decoders)
  }
})

test('damage counts in the order of the file: what is before one record too many is still read', async () => {
  const unit = [...records('a', 3), damaged('bad'), ...records('b', 3)]
  const { dataset } = await datasetOf(unit)
  const reader = createExampleReader(dataset, decode, new CorruptionCount(0), { decoders: 4 })
  const ids: string[] = []
  await assert.rejects(
    async () => {
      for await (const { id } of examplesOf(reader.open(0), 4)) ids.push(id)
    },
    { code: 'BAD_DATA' },
  )
  assert.deepEqual(
    ids,
    records('a', 3).map(({ id }) => id),
  )
})

test('a picture is freed when its samples are drawn, unless it is kept for the next epoch', async () => {
  const { dataset } = await datasetOf(records('a', 2))
  const lengthAfter = async (cacheBytes: number) => {
    const reading = createExampleReader(dataset, decode, new CorruptionCount(0), { cacheBytes }).open(0)
    const lengths: number[] = []
    for await (const example of examplesOf(reading, 1)) {
      reading.free(example)
      lengths.push(example.picture.rgb.length)
    }
    return lengths
  }
  const whole = PIXELS * PIXELS * 3
  assert.deepEqual(await lengthAfter(0), [0, 0])
  assert.deepEqual(await lengthAfter(1e6), [whole, whole])
  assert.deepEqual(await lengthAfter(whole), [whole, 0], 'there is no room for the unit')
})

function readsOf(dataset: Dataset<ClassLabels>): { dataset: Dataset<ClassLabels>; count: () => number } {
  let reads = 0
  const read = (unit: number) => {
    reads++
    return dataset.read(unit)
  }
  return { dataset: { ...dataset, read }, count: () => reads }
}
