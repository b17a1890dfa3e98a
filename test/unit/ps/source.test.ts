/** The checkpoint that a job starts from, as a parameter server finds it before the first worker has connected. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { realFileSystem } from '../../../src/checkpoint/file-system.ts'
import type { Manifest } from '../../../src/checkpoint/manifest.ts'
import { readManifest } from '../../../src/checkpoint/read-manifest.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { assertSource } from '../../../src/ps/restore.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { writeCheckpoint } from '../checkpoint/fixtures.ts'
import { makeConfig } from './fixtures.ts'

const claim = temporaryFolder()

/** A new folder with a checkpoint of step 10, and the job that starts from it. */
async function sourceOf(model: Manifest['model'], wanted: RuntimeConfig['model']) {
  const folder = mkdtempSync(join(claim, 'job-'))
  const checkpoint = await writeCheckpoint(folder, 10, model ? { model } : {})
  const { digest } = await readManifest(checkpoint)
  return { folder, config: makeConfig({ model: wanted, init: { type: 'checkpoint', path: 'step-000000010', digest } }) }
}

const SLIM = { backbone: 'resnet50', variant: 'slim' } as const
const TORCHVISION = { ...SLIM, variant: 'torchvision' } as const

for (const [what, saved, wanted] of [
  ['of the same variant', TORCHVISION, TORCHVISION],
  ['of the default variant', SLIM, { backbone: 'resnet50' }],
  ['of an older version, which names no model', undefined, TORCHVISION],
] as const)
  test(`a checkpoint ${what} is accepted`, async () => {
    const { folder, config } = await sourceOf(saved, wanted)
    await assertSource(config, folder, realFileSystem)
  })

for (const [what, saved, wanted, message] of [
  [
    'another variant',
    TORCHVISION,
    { backbone: 'resnet50' },
    /resnet50 \(variant torchvision\), .* resnet50 \(variant slim\)/,
  ],
  ['another backbone', SLIM, { backbone: 'resnet101' }, /resnet50 \(variant slim\), .* resnet101 \(variant slim\)/],
  ['a network that is unknown here', { backbone: 'vit-b', variant: 'jax' }, SLIM, /vit-b \(variant jax\), .* resnet50/],
] as const)
  test(`a checkpoint of ${what} is refused, and the message names both models`, async () => {
    const { folder, config } = await sourceOf(saved, wanted)
    await assert.rejects(assertSource(config, folder, realFileSystem), { code: 'CHECKPOINT_OTHER_MODEL', message })
  })
