import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { findLatest, listCheckpoints } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint, verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { MANIFEST_FILE } from '../../../src/checkpoint/manifest.ts'
import { findOwn } from '../../../src/ps/restore.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder, writeCheckpoint } from './fixtures.ts'

const SHARD = 'shard-00001-of-00002.safetensors'

const root = temporaryFolder()
const fresh = () => mkdtemp(join(root, 'job-'))

/** A job with checkpoints of steps 1 and 2. */
async function twoCheckpoints(): Promise<{ folder: string; first: string; second: string }> {
  const folder = await fresh()
  return { folder, first: await writeCheckpoint(folder, 1), second: await writeCheckpoint(folder, 2) }
}

test('a checkpoint comes back as it was, merged over its shards; optimizer state only if asked for', async () => {
  const { second } = await twoCheckpoints()
  const { manifest, variables, slots } = await loadCheckpoint(second, { slots: true })
  assert.equal(manifest.step, 2)
  assert.deepEqual([...variables.keys()].sort(), ['a', 'b'])
  assert.deepEqual([...(variables.get('a')?.data ?? [])], [2, 2, 2])
  assert.deepEqual([...(slots.get('momentum')?.get('b')?.data ?? [])], [-2, -2])
  assert.equal((await loadCheckpoint(second)).slots.size, 0)
  assert.deepEqual([...(await loadCheckpoint(second, { only: new Set(['b']) })).variables.keys()], ['b'])
})

const damages: [string, string, (second: string, first: string) => void][] = [
  ['a shard is missing', 'CHECKPOINT_TORN', (second) => rmSync(join(second, SHARD))],
  ['a shard was cut short', 'CHECKPOINT_TORN', (second) => truncateSync(join(second, SHARD), 100)],
  [
    'a shard is of another step',
    'CHECKPOINT_CORRUPT',
    (second, first) => copyFileSync(join(first, SHARD), join(second, SHARD)),
  ],
  ['the manifest is missing', 'CHECKPOINT_NO_MANIFEST', (second) => rmSync(join(second, MANIFEST_FILE))],
  ['the manifest was cut short', 'CHECKPOINT_BAD_MANIFEST', (second) => truncateSync(join(second, MANIFEST_FILE), 99)],
  [
    'the manifest is of a later format',
    'CHECKPOINT_BAD_MANIFEST',
    (second) => edit(second, '"formatVersion": 1', '"formatVersion": 2'),
  ],
  ['the manifest names a file elsewhere', 'CHECKPOINT_BAD_MANIFEST', (second) => edit(second, SHARD, '../../other')],
]

for (const [what, code, damage] of damages)
  test(`${what}: it is refused with a code, and the checkpoint before it is used`, async () => {
    const { folder, first, second } = await twoCheckpoints()
    damage(second, first)
    const { latest, refused } = await findLatest(folder)
    assert.equal(latest?.manifest.step, 1)
    assert.deepEqual(
      refused.map((one) => [one.name, one.code]),
      [['step-000000002', code]],
    )
    assert.match(refused[0]?.reason ?? '', /step-000000002/)
  })

test('any flipped bit of a shard is found', async () => {
  const { second } = await twoCheckpoints()
  const path = join(second, SHARD)
  const good = readFileSync(path)
  const bit = fc.integer({ min: 0, max: good.length * 8 - 1 })
  await fc.assert(
    fc.asyncProperty(bit, async (at) => {
      const bytes = Buffer.from(good)
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7))
      writeFileSync(path, bytes)
      await assert.rejects(verifyCheckpoint(second), { code: 'CHECKPOINT_CORRUPT' })
    }),
    { numRuns: 50 },
  )
  writeFileSync(path, good)
  await verifyCheckpoint(second)
})

test('another checkpoint than the one that was chosen is refused, though whole', async () => {
  const { first, second } = await twoCheckpoints()
  const { digest } = await loadCheckpoint(first)
  await loadCheckpoint(first, { expectDigest: digest })
  await assert.rejects(loadCheckpoint(second, { expectDigest: digest }), { code: 'CHECKPOINT_WRONG_DIGEST' })
})

test('a job without a folder has saved nothing; a folder that cannot be read is an error, not an empty one', async () => {
  assert.deepEqual(await listCheckpoints(join(root, 'no-such-job')), { checkpoints: [], refused: [] })
  const broken = { ...realFileSystem, readdir: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) }
  await assert.rejects(listCheckpoints(root, broken as unknown as typeof realFileSystem), { code: 'EIO' })
})

test('a manifest that cannot be read just now is not one that is missing', async () => {
  const { folder } = await twoCheckpoints()
  const broken = { ...realFileSystem, readFile: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) }
  const { refused } = await listCheckpoints(folder, broken as unknown as typeof realFileSystem)
  assert.deepEqual(new Set(refused.map(({ code }) => code)), new Set(['CHECKPOINT_UNREADABLE']))
})

test('a job all of whose checkpoints are damaged does not start anew in silence', async () => {
  const folder = await fresh()
  truncateSync(join(await writeCheckpoint(folder, 1), SHARD), 8)
  await assert.rejects(findOwn(folder, realFileSystem, silentLog), {
    code: 'CHECKPOINT_NONE_WHOLE',
    message: /step-000000001.*remove it to train from the start/,
  })
  const interrupted = await fresh()
  rmSync(join(await writeCheckpoint(interrupted, 1), MANIFEST_FILE))
  assert.equal((await findOwn(interrupted, realFileSystem, silentLog)).latest, null, 'a first save that was cut off')
})

function edit(folder: string, from: string, to: string): void {
  const path = join(folder, MANIFEST_FILE)
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}
