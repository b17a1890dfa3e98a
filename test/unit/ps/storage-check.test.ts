import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type FileSystem, realFileSystem } from '../../../src/checkpoint/file-system.ts'
import { assertWritable } from '../../../src/ps/storage-check.ts'
import { silentLog } from '../../../src/support/log.ts'
import { recordedLog } from '../../support/recorded-log.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const root = temporaryFolder()

function refusing(code: string): FileSystem {
  const open = () => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }))
  return { ...realFileSystem, open }
}

test('the check creates the folder and leaves no file in it', async () => {
  const folder = join(root, 'deep', 'job')
  await Promise.all([0, 1, 2].map((index) => assertWritable(folder, index, realFileSystem, silentLog)))
  assert.deepEqual(readdirSync(folder), [])
})

test('storage without write permission is refused before training, with field and folder', async () => {
  for (const code of ['EACCES', 'EPERM', 'EROFS'])
    await assert.rejects(assertWritable(root, 0, refusing(code), silentLog), {
      code: 'CHECKPOINT_NOT_WRITABLE',
      message: new RegExp(`^spec.checkpoint.storage: ${root} cannot be written: ${code}: injected; let uid \\d+ write`),
    })
  const file = join(root, 'file')
  writeFileSync(file, '')
  await assert.rejects(assertWritable(join(file, 'job'), 0, realFileSystem, silentLog), {
    code: 'CHECKPOINT_NOT_WRITABLE',
  })
  assert.ok(existsSync(file))
})

test('a full disk is only a warning, because space may become free', async () => {
  const log = recordedLog()
  await assertWritable(root, 0, refusing('ENOSPC'), log)
  assert.deepEqual(log.lines, ['warn checkpoints cannot be written now'])
})
