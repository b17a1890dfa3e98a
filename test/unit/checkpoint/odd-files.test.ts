/** Tests odd files in place of a checkpoint's files: they are reported by name, skipped, and never block. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { assertNewestGeneration, GENERATION_FILE } from '../../../src/checkpoint/generation.ts'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { listFolder, verifyFolder } from '../../../src/cli/verbs/checkpoint.ts'
import { FILES } from '../../../src/contract/files.ts'
import { History } from '../../../src/ps/history.ts'
import { findOwnCheckpoint } from '../../../src/ps/restore.ts'
import { silentLog } from '../../../src/support/log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { capture } from '../cli/io.ts'
import { writeCheckpoint } from './fixtures.ts'

const root = temporaryFolder()
const SHARD = 'shard-00000-of-00002.safetensors'
const GIB = 2 ** 30

const pipe = (path: string) => void execFileSync('mkfifo', [path])
/** Replaces the file or folder at `path`. */
function instead(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true, force: true })
  make(path)
}
const link = (to: string) => (path: string) => symlinkSync(to, path)

type Damage = (folder: string) => void
const CASES: readonly [what: string, damage: Damage, reason: RegExp][] = [
  ['a folder named manifest.json', (at) => instead(join(at, FILES.manifest), (path) => mkdirSync(path)), /manifest\.json is not a regular file/],
  ['a pipe named manifest.json', (at) => instead(join(at, FILES.manifest), pipe), /manifest\.json is not a regular file/],
  ['a manifest that is a link to itself', (at) => instead(join(at, FILES.manifest), link(FILES.manifest)), /manifest\.json is not a regular file \(ELOOP\)/],
  ['a manifest that is a device without an end', (at) => instead(join(at, FILES.manifest), link('/dev/zero')), /manifest\.json is not a regular file/],
  ['a manifest of 3 GiB', (at) => truncateSync(join(at, FILES.manifest), 3 * GIB), /manifest\.json has 3221225472 bytes/],
  ['a manifest of half a GiB', (at) => truncateSync(join(at, FILES.manifest), GIB / 2), /manifest\.json has 536870912 bytes/],
  ['a manifest that is nested a million levels deep', (at) => writeFileSync(join(at, FILES.manifest), '['.repeat(1e6)), /manifest\.json is not a manifest: it is not JSON/],
  ['a folder in the place of a shard', (at) => instead(join(at, SHARD), (path) => mkdirSync(path)), /shard-00000-of-00002\.safetensors is not a regular file/],
  ['a pipe in the place of a shard', (at) => instead(join(at, SHARD), pipe), /shard-00000-of-00002\.safetensors is not a regular file/],
  ['a shard that is a link to itself', (at) => instead(join(at, SHARD), link(SHARD)), /shard-00000-of-00002\.safetensors is a link/],
  ['a shard of 10 GiB whose size matches the manifest', tenGib, /shards\.bytes: 10737418416 in all: the layout has 5 values/],
  ['a folder that is a link to itself', (at) => instead(at, link(at)), /manifest\.json is not a regular file \(ELOOP\)/],
  ['a folder under another name', (at) => renameSync(at, at.replace('20', '99')), /step-000000099/],
] // biome-ignore format: one line a case

/** Makes the shard 10 GiB long, and enters that size in the manifest. */
function tenGib(at: string): void {
  truncateSync(join(at, SHARD), 10 * GIB)
  const path = join(at, FILES.manifest)
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  manifest.shards[0].bytes = 10 * GIB
  writeFileSync(path, JSON.stringify(manifest))
}

async function jobWithTwo(): Promise<{ jobFolder: string; newest: string }> {
  const jobFolder = mkdtempSync(join(root, 'job-'))
  await writeCheckpoint(jobFolder, 10)
  return { jobFolder, newest: await writeCheckpoint(jobFolder, 20) }
}

describe('a job continues from the previous checkpoint, and verify reports the reason, for', () => {
  for (const [what, damage, reason] of CASES)
    test(what, { timeout: 20_000 }, async () => {
      const { jobFolder, newest } = await jobWithTwo()
      damage(newest)
      const { latest, refused } = await findLatest(jobFolder)
      assert.deepEqual([latest?.manifest.step, refused.length], [10, 1])
      assert.match(refused[0]?.reason ?? '', reason)
      const { written, io } = capture()
      assert.equal(await verifyFolder(jobFolder, io), 1)
      assert.match(written.err, reason)
      assert.match(written.out, /step-000000010 {2}intact/)
    })
})

test('list shows the other checkpoints if one cannot be read', async () => {
  const { jobFolder, newest } = await jobWithTwo()
  await writeCheckpoint(jobFolder, 30)
  instead(newest, link(newest))
  const { written, io } = capture()
  assert.equal(await listFolder(jobFolder, io), 1)
  assert.match(written.out, /^step-000000010 .*\nstep-000000030 .*\n$/)
  assert.match(written.err, /^step-000000020 {2}refused {2}CHECKPOINT_BAD_MANIFEST: /)
})

test('a job that continues from a checkpoint of another job logs a warning that names that job', async () => {
  const { jobFolder } = await jobWithTwo()
  const warnings: unknown[] = []
  const log = { ...silentLog, warn: (facts: object, message: string) => void warnings.push([message, facts]) }
  assert.equal((await findOwnCheckpoint(jobFolder, realFileSystem, log, 'job-uid')).latest?.manifest.step, 20)
  assert.deepEqual(warnings, [])
  assert.equal((await findOwnCheckpoint(jobFolder, realFileSystem, log, 'new-uid')).latest?.manifest.step, 20)
  const facts = { checkpoint: 'step-000000020', job: 'default/tiny', uid: 'job-uid' }
  assert.deepEqual(warnings, [['checkpoint of another job', facts]])
})

for (const [what, make] of [
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', pipe],
  ['a link to itself', link(GENERATION_FILE)],
] as [string, (path: string) => void][])
  test(`${what} named ${GENERATION_FILE} is an error without retries, because it will not go away`, {
    timeout: 20_000,
  }, async () => {
    const jobFolder = mkdtempSync(join(root, 'job-'))
    make(join(jobFolder, GENERATION_FILE))
    const expected = { code: 'CHECKPOINT_BAD_GENERATION', message: /generation\.json is not a regular file.*remove it/ }
    await assert.rejects(assertNewestGeneration(jobFolder, 1), expected)
  })

test('a pipe in place of the history loses its lines and does not block', { timeout: 20_000 }, async () => {
  const path = join(mkdtempSync(join(root, 'job-')), FILES.history)
  pipe(path)
  const history = new History(path, 100, silentLog)
  history.truncateAfter(5)
  history.append({ step: 1, at: '', loss: 1, learningRate: 1, examplesPerSecond: 1, stalenessMean: 0, workers: 1 })
  await history.flush()
})
