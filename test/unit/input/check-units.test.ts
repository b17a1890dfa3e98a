import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { DataConfig } from '../../../src/contract/runtime.ts'
import { CorruptionCount } from '../../../src/input/corruption-count.ts'
import { openChecked } from '../../../src/input/open-checked.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, records, writeRecords } from '../data/builders.ts'

const root = temporaryFolder()
const LAST = 'x-00002.tfrecord'

const check = (folder: string, config: DataConfig, most: number) =>
  openChecked(folder, config, 'classes', most, new CorruptionCount(config.maxCorruptRecords))

async function threeShards(last = records('c', 2)) {
  const folder = inside(root)
  return { folder, config: await writeRecords(folder, [records('a', 2), [], last]) }
}

test('every shard is opened at the start, so that an unreadable last one does not fail the job after hours', async () => {
  const { folder, config } = await threeShards()
  assert.equal((await check(folder, config, Number.POSITIVE_INFINITY)).units.length, 3)
  await writeFile(join(folder, LAST), gzipSync(await readFile(join(folder, LAST))))
  await assert.rejects(check(folder, config, 3), { code: 'DATA_UNREADABLE', message: new RegExp(LAST) })
  await check(folder, config, 2)
})

test('records with labels outside of the labels file are refused at the start', async () => {
  const { folder, config } = await threeShards(records('c', 1, [7]))
  await assert.rejects(check(folder, config, 3), {
    code: 'LABEL_UNKNOWN',
    message: new RegExp(`${LAST} at byte 0: label 7 is not in .*labels.json \\(0 to 3\\)`),
  })
})

test('a data set without any record is refused at the start; some empty shards are accepted', async () => {
  const folder = inside(root)
  const config = await writeRecords(folder, [[], [], []])
  await check(folder, config, 2)
  await assert.rejects(check(folder, config, 3), { code: 'DATA_EMPTY', message: /3 parts/ })
})

test('damage beyond the limit is refused at the start with file and offset; less of it is left to training', async () => {
  const { folder, config } = await threeShards()
  const bytes = await readFile(join(folder, LAST))
  bytes.writeUInt8(bytes.readUInt8(12) ^ 1, 12)
  await writeFile(join(folder, LAST), bytes)
  await check(folder, { ...config, maxCorruptRecords: 1 }, 3)
  await assert.rejects(check(folder, { ...config, maxCorruptRecords: 0 }, 3), {
    code: 'BAD_DATA',
    message: new RegExp(`${LAST} at byte 0: .*maxCorruptRecords is 0`),
  })
})
