import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { savedLines } from '../../../../src/cli/run/saved-checkpoints.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { writeCheckpoint } from '../../checkpoint/fixtures.ts'

const root = temporaryFolder()

test('an interrupted run prints the last checkpoint of each job in one line', async () => {
  const folder = mkdtempSync(join(root, 'job-'))
  await writeCheckpoint(folder, 20)
  await writeCheckpoint(folder, 10)
  writeFileSync(join(folder, 'file'), '')
  const folders = new Map([
    ['PretrainJob/a', folder],
    ['PretrainJob/b', join(folder, 'never')],
    ['PretrainJob/c', join(folder, 'file')],
  ])
  const [line = '', ...more] = await savedLines(folders)
  assert.deepEqual(more, [])
  assert.match(
    line,
    /^stopped; saved: PretrainJob\/a at step 20, PretrainJob\/b nothing yet, PretrainJob\/c unknown \(.*ENOTDIR/,
  )
})

test('an interrupted run without unfinished jobs prints nothing', async () => {
  assert.deepEqual(await savedLines(new Map()), [])
})
