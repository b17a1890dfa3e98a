/** Tests the types and content of shard files on disk; shards.test.ts tests the choice by name. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import promises, { mkdir, symlink, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { exitCodeOf } from '../../../../src/contract/exit-codes.ts'
import { EXIT } from '../../../../src/contract/runtime.ts'
import { openClassDataset } from '../../../../src/data/formats.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { collect, encodeRecord, FRUIT, inside } from '../builders.ts'

const root = temporaryFolder()
const config = { path: '.', format: 'tfrecord', maxCorruptRecords: 0 } as const
const record = await encodeRecord({ id: 'a', labels: [2] })

async function shardFolder(files: Record<string, Uint8Array>): Promise<string> {
  const folder = inside(root)
  await writeFile(join(folder, 'labels.json'), JSON.stringify(FRUIT))
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
  return folder
}

async function idsOf(folder: string, files?: string): Promise<string[]> {
  const source = await openClassDataset(folder, { ...config, ...(files ? { files } : {}) })
  const items = (await Promise.all(source.units.map((_, unit) => collect(source.read(unit))))).flat()
  return items.map((item) => (item.type === 'example' ? item.id : item.reason))
}

test('train and validation shards in one folder are two series, and a pattern of the job selects one', async () => {
  const other = await encodeRecord({ id: 'held out', labels: [3] })
  const folder = await shardFolder({ 'train-00000-of-00001': record, 'validation-00000-of-00001': other })
  await assert.rejects(idsOf(folder), (error: Error & { code: string }) => {
    assert.equal(error.code, 'DATA_SHARDS_MIXED')
    assert.match(error.message, /train-\*-of-00001 \(1 file\), validation-\*-of-00001 \(1 file\)/)
    assert.equal(exitCodeOf(error.code), EXIT.badData)
    return true
  })
  assert.deepEqual(await idsOf(folder, 'train-*'), ['a'])
  assert.deepEqual(await idsOf(folder, 'validation-*'), ['held out'])
  await assert.rejects(idsOf(folder, 'test-*'), {
    code: 'DATA_EMPTY',
    message: /no tfrecord files named test-\* here; passed over: 2 shards that "files" does not choose, e\.g\. train-/,
  })
})

suite('a shard that is not a file is refused by name and does not block:', { timeout: 20_000 }, () => {
  test('a pipe', async () => {
    const folder = await shardFolder({ 'x-0-of-2': record })
    execFileSync('mkfifo', [join(folder, 'x-1-of-2')])
    await assert.rejects(idsOf(folder), { code: 'DATA_UNREADABLE', message: /x-1-of-2: / })
  })

  test('a broken link, or a link to a pipe', async () => {
    const folder = await shardFolder({ 'x-0-of-2': record })
    await symlink('gone', join(folder, 'x-1-of-2'))
    await assert.rejects(idsOf(folder), { code: 'DATA_UNREADABLE', message: /x-1-of-2: / })
    execFileSync('mkfifo', [join(folder, 'gone')])
    await assert.rejects(idsOf(folder), { code: 'DATA_UNREADABLE', message: /x-1-of-2: / })
  })

  test('files outside of the pattern may have any type, and are counted by it', async () => {
    const folder = await shardFolder({ 'x.tfrecord': record })
    for (const name of ['pipe', 'y-0-of-1']) execFileSync('mkfifo', [join(folder, name)])
    await symlink('gone', join(folder, 'link'))
    await mkdir(join(folder, '@eaDir'))
    const { passedOver } = await openClassDataset(folder, { ...config, files: 'x*' })
    assert.deepEqual(
      passedOver.map(({ kind, count }) => [kind, count]),
      [
        ['system', 1],
        ['special', 2],
        ['badLink', 1],
      ],
    )
  })

  test('a folder counts as a missing shard', async () => {
    const folder = await shardFolder({ 'x-0-of-2': record })
    await mkdir(join(folder, 'x-1-of-2'))
    await assert.rejects(idsOf(folder), { code: 'DATA_SHARDS_INCOMPLETE', message: /number 1/ })
  })

  test('a pipe in place of the labels file', async () => {
    const folder = inside(root)
    await writeFile(join(folder, 'x.tfrecord'), record)
    execFileSync('mkfifo', [join(folder, 'labels.json')])
    await assert.rejects(idsOf(folder), { code: 'DATA_UNREADABLE', message: /labels\.json: / })
  })
})

suite('a shard with other content is refused at its first record with a description:', () => {
  for (const [what, bytes, message] of [
    ['gzip data', gzipSync(record), /it is compressed by gzip; unpack it/],
    ['zlib data', deflateSync(record), /it is compressed by zlib/],
    [
      'a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      /a pointer of Git LFS.*git lfs pull/,
    ],
    ['a web page', Buffer.from('<html>403 Forbidden</html>'), /a web page; the download failed/],
    ['a tar archive', Buffer.from(`${'x'.repeat(257)}ustar`), /a tar archive/],
  ] as const)
    test(what, async () => {
      const folder = await shardFolder({ 'x.tfrecord': bytes })
      await assert.rejects(idsOf(folder), { code: 'DATA_UNREADABLE', message })
    })

  test('unknown bytes count as damaged records', async () => {
    assert.deepEqual(await idsOf(await shardFolder({ 'x.tfrecord': Buffer.alloc(64, 7) })), [
      'length CRC does not match',
    ])
  })
})

test('links of a ConfigMap mount and of a download cache are read as shards', async () => {
  const folder = inside(root)
  await mkdir(join(folder, '..2026_11_28'))
  await symlink('..2026_11_28', join(folder, '..data'))
  await writeFile(join(folder, '..2026_11_28/labels.json'), JSON.stringify(FRUIT))
  await writeFile(join(folder, '..2026_11_28/x.tfrecord'), record)
  for (const name of ['labels.json', 'x.tfrecord']) await symlink(`..data/${name}`, join(folder, name))
  assert.deepEqual(await idsOf(folder), ['a'])
})

for (const call of ['readdir', 'open', 'stat'] as const)
  test(`permission denied (${call}) is reported with the path and with advice`, async (t) => {
    const folder = await shardFolder({ 'x.tfrecord': record })
    const no = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }))
    t.mock.method(promises, call, no)
    syncBuiltinESMExports()
    const refused = assert.rejects(idsOf(folder), {
      code: 'DATA_UNREADABLE',
      message: new RegExp(`^${folder}.*: cannot be read: permission denied to uid \\d+; let it read`),
    })
    await refused.finally(() => {
      t.mock.restoreAll()
      syncBuiltinESMExports()
    })
  })
