import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { commitFile } from '../../../src/checkpoint/commit.ts'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import { sweepLeftovers } from '../../../src/ps/retention.ts'
import { sha256Of } from '../../../src/support/digest.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { type Fault, failingFs, forgetfulFs, lyingFs, shortWritingFs } from './fault-fs.ts'
import { writeCheckpoint } from './fixtures.ts'

const root = temporaryFolder()
const fresh = () => mkdtemp(join(root, 'job-'))

describe('a failing save', () => {
  for (const fault of ['kill', 'EIO', 'ENOSPC'] satisfies Fault[])
    test(`leaves the previous checkpoint intact and no incomplete one, at any call that fails (${fault})`, async () => {
      const counted = failingFs(Number.POSITIVE_INFINITY)
      await writeCheckpoint(await fresh(), 2, { fs: counted.fs })
      for (const [at, call] of counted.calls.entries()) {
        if (call === 'close') continue
        const folder = await fresh()
        await writeCheckpoint(folder, 1)
        await assert.rejects(writeCheckpoint(folder, 2, { fs: failingFs(at, fault).fs }), `${call} (${at})`)
        const committed = call === 'open' || call === 'sync' ? at > counted.calls.lastIndexOf('rename') : false
        const { latest } = await findLatest(folder)
        // After the last rename the checkpoint is complete on disk: finding the new or the previous one is correct.
        assert.ok(latest?.manifest.step === 1 || committed, `${call} (${at}): step ${latest?.manifest.step}`)
        await sweepLeftovers(folder, realFileSystem)
        if (!committed) assert.deepEqual(readdirSync(folder), ['step-000000001'], `${call} (${at})`)
      }
    })

  test('removes its temporary file', async () => {
    const folder = await fresh()
    const path = join(folder, 'file')
    for (const call of ['write', 'stat', 'sync', 'rename']) {
      const dry = failingFs(Number.POSITIVE_INFINITY)
      await commitFile(join(folder, 'dry'), [Buffer.from('x')], dry.fs)
      const { fs } = failingFs(dry.calls.indexOf(call), 'ENOSPC')
      await assert.rejects(commitFile(path, [Buffer.from('bytes')], fs), { code: 'ENOSPC' }, call)
      assert.deepEqual(readdirSync(folder), ['dry'], call)
    }
  })

  test('does not change the file that existed before', async () => {
    const path = join(await fresh(), 'file')
    await commitFile(path, [Buffer.from('old')])
    await assert.rejects(commitFile(path, [Buffer.from('newer')], failingFs(1).fs), { code: 'EIO' })
    assert.equal(readFileSync(path, 'utf8'), 'old')
  })
})

describe('a large file', () => {
  const chunk = Buffer.alloc(1 << 20, 7)
  const parts = Array.from({ length: 150 }, () => chunk)

  test('is flushed while it is written, and has the hash of all bytes', async () => {
    const { fs, calls } = failingFs(Number.POSITIVE_INFINITY)
    const { bytes, sha256 } = await commitFile(join(await fresh(), 'large'), parts, fs)
    assert.deepEqual([bytes, sha256], [150 << 20, sha256Of(Buffer.concat(parts))])
    assert.equal(calls.filter((call) => call === 'datasync').length, 4)
    assert.ok(calls.indexOf('datasync') < calls.lastIndexOf('write'))
  })

  test('is not committed if any of its flushes has failed, although the last fsync succeeds', async () => {
    const folder = await fresh()
    const { fs: counting, calls } = failingFs(Number.POSITIVE_INFINITY)
    await commitFile(join(folder, 'dry'), parts, counting)
    for (const at of calls.flatMap((call, i) => (call === 'datasync' ? [i] : []))) {
      await assert.rejects(commitFile(join(folder, 'large'), parts, failingFs(at).fs), { code: 'EIO' })
      assert.deepEqual(readdirSync(folder), ['dry'])
    }
  })
})

describe('a written file', () => {
  test('is complete even if each write call takes only a few bytes', async () => {
    const path = join(await fresh(), 'file')
    const { bytes } = await commitFile(path, [Buffer.from('one'), Buffer.from('and another')], shortWritingFs(2))
    assert.equal(readFileSync(path, 'utf8'), 'oneand another')
    assert.equal(bytes, 14)
  })

  test('is refused if the disk kept fewer bytes than it reported', async () => {
    const path = join(await fresh(), 'file')
    await assert.rejects(commitFile(path, [Buffer.from('twelve bytes')], lyingFs()), { code: 'CHECKPOINT_SHORT_WRITE' })
    assert.equal(existsSync(path), false)
  })

  test('fails if a write call takes no bytes', async () => {
    const path = join(await fresh(), 'file')
    await assert.rejects(commitFile(path, [Buffer.from('x')], shortWritingFs(0)), { code: 'CHECKPOINT_SHORT_WRITE' })
  })
})

test('after a power cut the newest checkpoint is complete, because files are synced before they are renamed', async () => {
  const folder = await fresh()
  const { fs, powerCut } = forgetfulFs()
  await writeCheckpoint(folder, 1, { fs })
  await powerCut()
  const { latest, refused } = await findLatest(folder)
  assert.deepEqual([latest?.manifest.step, refused], [1, []])
  assert.equal((await loadCheckpoint(latest?.folder ?? '')).variables.get('a')?.data[0], 1)
})
