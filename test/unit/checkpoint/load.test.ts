import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { findLatest, listCheckpoints } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint, verifyCheckpoint } from '../../../src/checkpoint/load.ts'
import { MANIFEST_FILE } from '../../../src/checkpoint/manifest.ts'
import { exitCodeOf } from '../../../src/contract/exit-codes.ts'
import { EXIT, exitClass } from '../../../src/contract/runtime.ts'
import { findOwnCheckpoint } from '../../../src/ps/restore.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeCheckpoint } from './fixtures.ts'

const SHARD = 'shard-00001-of-00002.safetensors'

const root = temporaryFolder()
const fresh = () => mkdtemp(join(root, 'job-'))

/** Makes a job with checkpoints of steps 1 and 2. */
async function twoCheckpoints(): Promise<{ folder: string; first: string; second: string }> {
  const folder = await fresh()
  return { folder, first: await writeCheckpoint(folder, 1), second: await writeCheckpoint(folder, 2) }
}

test('loading merges the values of all shards, with optimizer state only on request', async () => {
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
    (second) => edit(second, '"formatVersion": 1', '"formatVersion": 3'),
  ],
  ['the manifest names a file elsewhere', 'CHECKPOINT_BAD_MANIFEST', (second) => edit(second, SHARD, '../../other')],
]

for (const [what, code, damage] of damages)
  test(`if ${what}, the checkpoint is refused with a code, and the previous one is used`, async () => {
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

for (const file of [MANIFEST_FILE, SHARD])
  for (const [what, put] of [
    ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
    ['a folder', (path: string) => mkdirSync(path)],
  ] as const)
    test(`${what} in place of ${file} counts as damage, does not block, and the previous checkpoint is used`, async () => {
      const { folder, second } = await twoCheckpoints()
      rmSync(join(second, file))
      put(join(second, file))
      const { latest, refused } = await findLatest(folder)
      const code = file === SHARD ? 'CHECKPOINT_TORN' : 'CHECKPOINT_BAD_MANIFEST'
      assert.deepEqual([latest?.manifest.step, refused.map((one) => one.code)], [1, [code]])
    })

test('any flipped bit of a shard is detected', async () => {
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

test('a valid checkpoint with another digest than the requested one is refused', async () => {
  const { first, second } = await twoCheckpoints()
  const { digest } = await loadCheckpoint(first)
  await loadCheckpoint(first, { expectDigest: digest })
  await assert.rejects(loadCheckpoint(second, { expectDigest: digest }), { code: 'CHECKPOINT_WRONG_DIGEST' })
})

test('a job without a folder has no checkpoints; a folder that cannot be read is an error', async () => {
  assert.deepEqual(await listCheckpoints(join(root, 'no-such-job')), { checkpoints: [], refused: [] })
  const broken = { ...realFileSystem, readdir: () => Promise.reject(nodeError('EIO')) }
  await assert.rejects(listCheckpoints(root, broken as unknown as FileSystem), { code: 'CHECKPOINT_UNREADABLE' })
})

const MOMENTARY = ['EIO', 'ESTALE', 'ETIMEDOUT', 'ENOTCONN', 'EACCES']

for (const code of MOMENTARY)
  test(`a temporary disk error (${code}) is not damage: no checkpoint is skipped and no older one restored`, async () => {
    const { folder, second } = await twoCheckpoints()
    for (const call of ['readFile', 'open', 'stat', 'read'] as const) {
      const fs = failingIn(second, call, code)
      const expected = { code: 'CHECKPOINT_UNREADABLE', message: new RegExp(`step-000000002.*${code}`) }
      await assert.rejects(findLatest(folder, fs), expected, call)
      await assert.rejects(findOwnCheckpoint(folder, fs, silentLog), expected, call)
      await assert.rejects(loadCheckpoint(second, { fs }), expected, call)
    }
    assert.equal((await findLatest(folder)).latest?.manifest.step, 2)
    assert.equal(exitCodeOf('CHECKPOINT_UNREADABLE'), EXIT.storage)
    assert.equal(exitClass(exitCodeOf(code)), 'retryable')
  })

test('a file in place of a checkpoint folder is refused and not deleted', async () => {
  const { folder } = await twoCheckpoints()
  writeFileSync(join(folder, 'step-000000003'), 'notes')
  const { latest, refused } = await findLatest(folder)
  assert.deepEqual([latest?.manifest.step, refused.map((one) => one.code)], [2, ['CHECKPOINT_BAD_MANIFEST']])
})

test('a job with only damaged checkpoints fails instead of starting at step 0', async () => {
  const folder = await fresh()
  truncateSync(join(await writeCheckpoint(folder, 1), SHARD), 8)
  await assert.rejects(findOwnCheckpoint(folder, realFileSystem, silentLog), {
    code: 'CHECKPOINT_NONE_WHOLE',
    message: /step-000000001.*remove it/,
  })
  const interrupted = await fresh()
  rmSync(join(await writeCheckpoint(interrupted, 1), MANIFEST_FILE))
  assert.equal(
    (await findOwnCheckpoint(interrupted, realFileSystem, silentLog)).latest,
    null,
    'a first save that was cut off',
  )
})

function edit(folder: string, from: string, to: string): void {
  const path = join(folder, MANIFEST_FILE)
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}

function nodeError(code: string): Error {
  return Object.assign(new Error(`${code}: the disk says no`), { code })
}

/** A file system that fails to read files in `folder`: the manifest, or the shards at one of the calls that read them. */
function failingIn(folder: string, call: 'readFile' | 'open' | 'stat' | 'read', code: string): FileSystem {
  const no = () => Promise.reject(nodeError(code))
  const isInside = (path: unknown) => String(path).startsWith(folder)
  return {
    ...realFileSystem,
    readFile: ((path: string, options: never) =>
      call === 'readFile' && isInside(path) ? no() : realFileSystem.readFile(path, options)) as FileSystem['readFile'],
    async open(path, ...rest) {
      if (call === 'open' && isInside(path)) return no()
      const file = await realFileSystem.open(path, ...rest)
      if (isInside(path) && (call === 'stat' || call === 'read')) file[call] = no
      return file
    },
  }
}
