import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { FILES } from '../../../src/contract/files.ts'
import type { ScoredCheckpoint } from '../../../src/ps/retention.ts'
import { Skipped } from '../../../src/ps/skipped.ts'
import { silentLog } from '../../../src/support/log.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()
const newFolder = () => mkdtempSync(join(root, 'job-'))
const at = (step: number, evaluation: ScoredCheckpoint['evaluation'] = 'waiting') =>
  ({ manifest: { step }, evaluation }) as ScoredCheckpoint

async function open(jobFolder: string, fs: FileSystem = realFileSystem, log = silentLog): Promise<Skipped> {
  const skipped = new Skipped({ jobFolder, fence: async () => {}, fs, log })
  await skipped.restore()
  return skipped
}

test('checkpoints that are purged without a score are counted, also after a restart', async () => {
  const folder = newFolder()
  const first = await open(folder)
  await first.note([at(1), at(2, 'done'), at(3, 'running')], [at(1), at(2, 'done'), at(3, 'running')])
  assert.equal(first.count, 2)
  const second = await open(folder)
  assert.equal(second.count, 2)
  await second.note([at(4), at(5)], [at(4)])
  assert.equal((await open(folder)).count, 3)
})

test('a step counts once if a crash interrupts its purge, and not at all if it is scored after all', async () => {
  const folder = newFolder()
  await (await open(folder)).note([at(1), at(2)], [at(1), at(2)])
  const again = await open(folder)
  await again.note([at(1), at(2)], [at(1), at(2)])
  assert.equal(again.count, 2)
  const later = await open(folder)
  await later.note([at(1), at(2, 'done'), at(3)], [at(1)])
  assert.equal(later.count, 1)
  assert.equal((await open(folder)).count, 1)
})

test('a full disk does not prevent the purge; the count is written when there is space', async () => {
  const folder = newFolder()
  let full = true
  const open_ = ((...args: Parameters<FileSystem['open']>) =>
    full
      ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
      : realFileSystem.open(...args)) as FileSystem['open']
  const log = recordedLog()
  const skipped = await open(folder, { ...realFileSystem, open: open_ }, log)
  await skipped.note([at(1)], [at(1)])
  assert.deepEqual(log.lines, ['warn skipped checkpoints not written'])
  full = false
  await skipped.note([at(2)], [])
  assert.deepEqual(JSON.parse(readFileSync(join(folder, FILES.skipped), 'utf8')), { count: 1, steps: [1] })
})

test('nothing is written while nothing is skipped, and a damaged count is logged', async () => {
  const folder = newFolder()
  await (await open(folder)).note([at(1)], [])
  assert.throws(() => readFileSync(join(folder, FILES.skipped)), { code: 'ENOENT' })
  for (const text of ['{"count":', '{"count":-1,"steps":[]}', '[]']) {
    writeFileSync(join(folder, FILES.skipped), text)
    const log = recordedLog()
    assert.equal((await open(folder, realFileSystem, log)).count, 0)
    assert.deepEqual(log.lines, ['warn skipped checkpoints not read'])
  }
})
