import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { withPathsInData } from '../../../../src/cli/evaluate/paths-in-data.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const root = temporaryFolder()

test('a path is one of the working folder, or of the data if it exists only there', async () => {
  const data = join(root, 'data')
  await mkdir(join(data, 'annotations'), { recursive: true })
  for (const name of ['annotations/val.json', 'near.tsv']) await writeFile(join(data, name), '')
  await writeFile(join(root, 'near.tsv'), '')
  const pathsOf = async (more: object) => {
    const {
      checkpoint: _,
      data: __,
      batchSize: ___,
      ...paths
    } = await withPathsInData({ checkpoint: 'c', data, batchSize: 1, ...more })
    return paths
  }
  assert.deepEqual(await pathsOf({ annotations: join(data, 'annotations/val.json') }), {
    annotations: 'annotations/val.json',
  })
  assert.deepEqual(await pathsOf({ annotations: 'annotations/val.json' }), { annotations: 'annotations/val.json' })
  assert.deepEqual(await pathsOf({ exclude: join(root, 'near.tsv') }), { exclude: '../near.tsv' })
  const nowhere = relative(data, join(process.cwd(), 'nowhere.json'))
  assert.deepEqual(await pathsOf({ labels: 'nowhere.json', files: 'val-*' }), { labels: nowhere, files: 'val-*' })
})
