import assert from 'node:assert/strict'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { maskedCrc32c } from '../../../../src/data/codecs/crc32c.ts'
import { encodeTfRecord, readTfRecords, type TfRecordItem } from '../../../../src/data/codecs/tfrecord.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect } from '../builders.ts'

const folder = temporaryFolder()

async function read(bytes: Uint8Array): Promise<TfRecordItem[]> {
  const path = join(folder, 'one.tfrecord')
  await writeFile(path, bytes)
  return collect(readTfRecords(path))
}

const recordOf = (text: string) => encodeTfRecord(Buffer.from(text))
const texts = (items: readonly TfRecordItem[]) =>
  items.map((item) => (item.type === 'record' ? Buffer.from(item.data).toString() : `${item.offset}: ${item.reason}`))

/** Length of a record: 12 bytes of head, 5 of data, 4 of CRC. */
const ALPHA_BYTES = 21
const three = () => Buffer.concat([recordOf('alpha'), recordOf('bravo'), recordOf('charlie')])

test('a record has the bytes that TensorFlow writes', () => {
  // Written by tf.io.TFRecordWriter for b"123456789"; the masked CRC of the data is 0xc78ab0e5.
  const record = encodeTfRecord(Buffer.from('123456789'))
  assert.equal(record.subarray(0, 8).toString('hex'), '0900000000000000')
  assert.equal(record.subarray(12, 21).toString(), '123456789')
  assert.equal(record.subarray(21).toString('hex'), 'e5b08ac7')
})

test('records are read in order, with their offsets', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }), async (all) => {
      const items = await read(Buffer.concat(all.map(encodeTfRecord)))
      assert.deepEqual(
        items.map((item) => item.type === 'record' && [...item.data]),
        all.map((data) => [...data]),
      )
      const sizes = all.map((data) => data.length + 16)
      const offsets = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0))
      assert.deepEqual(
        items.map(({ offset }) => offset),
        offsets,
      )
    }),
    { numRuns: 40 },
  )
})

test('records larger than the read buffer are complete, and stay unchanged while the next are read', async () => {
  const all = [3_000_000, 10, 2_000_000, 1_048_576].map((length, i) => Buffer.alloc(length, `${i}`))
  const items = await read(Buffer.concat(all.map(encodeTfRecord)))
  assert.deepEqual(
    items.map((item, i) => item.type === 'record' && Buffer.compare(item.data, all[i] as Buffer)),
    [0, 0, 0, 0],
  )
})

test('a record whose data is damaged is skipped and reported with its offset', async () => {
  const file = three()
  file[ALPHA_BYTES + 13] = 0
  assert.deepEqual(texts(await read(file)), ['alpha', `${ALPHA_BYTES}: data CRC does not match`, 'charlie'])
})

test('a damaged length ends the file, because the next record cannot be found', async () => {
  const file = three()
  file[ALPHA_BYTES] = 6
  assert.deepEqual(texts(await read(file)), ['alpha', `${ALPHA_BYTES}: length CRC does not match`])
})

test('a truncated file is reported with the offset', async () => {
  const file = three()
  const at = 2 * ALPHA_BYTES
  assert.deepEqual(texts(await read(file.subarray(0, at + 5))).at(-1), `${at}: file ends inside a record header`)
  assert.deepEqual(texts(await read(file.subarray(0, at + 14))).at(-1), `${at}: file ends inside a record`)
  assert.deepEqual(texts(await read(file.subarray(0, file.length - 1))).at(-1), `${at}: file ends inside a record`)
  assert.deepEqual(texts(await read(file.subarray(0, at))), ['alpha', 'bravo'])
})

test('a length beyond the file allocates nothing, even if its CRC is correct', async () => {
  const huge = encodeTfRecord(Buffer.alloc(0))
  huge.writeBigUInt64LE(2n ** 60n)
  huge.writeUInt32LE(maskedCrc32c(huge.subarray(0, 8)), 8)
  assert.deepEqual(texts(await read(huge)), ['0: file ends inside a record'])
})

test('a file that grows while it is read is read up to its first size', async () => {
  const path = join(folder, 'growing.tfrecord')
  await writeFile(path, three())
  const seen: TfRecordItem[] = []
  for await (const item of readTfRecords(path)) {
    if (seen.length === 0) await appendFile(path, recordOf('delta'))
    seen.push(item)
  }
  assert.deepEqual(texts(seen), ['alpha', 'bravo', 'charlie'])
})

test('a file that cannot be read is an error with path and reason', async () => {
  const path = join(folder, 'absent.tfrecord')
  await assert.rejects(collect(readTfRecords(path)), {
    code: 'DATA_UNREADABLE',
    message: /absent\.tfrecord: cannot be read: ENOENT/,
  })
})
