/** The walk of docs/deduplication.md: plants copies, lists them with `data dedup`, and scores with and without them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { dump } from 'js-yaml'
import sharp from 'sharp'
import { ANNOTATIONS, API_VERSION } from '../../src/contract/names.ts'
import { makeDataSet } from '../../src/data/generate/make-data-set.ts'
import { startLocalRun } from '../support/local-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENDS_WITHIN_MS = 300_000
const CLASSES = 20
const VAL_PER_CLASS = 4
const root = temporaryFolder()
const data = join(root, 'data')
const val = join(data, 'downstream', 'val')

/** Gives the training data a mirrored JPEG of one test picture of each class. */
async function plantCopies(): Promise<void> {
  for (const file of globSync(join(val, '*', '*-0.png'))) {
    const copy = file.replace('/val/', '/train/').replace('.png', '-copy.jpg')
    await sharp(file).flop().jpeg({ quality: 70 }).toFile(copy)
  }
}

function claim(name: string, annotations: Record<string, string> = {}) {
  const resources = { requests: { storage: '1Gi' } }
  const spec = { accessModes: ['ReadWriteMany'], resources }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, annotations }, spec }
}

function jobWith(exclude: string) {
  const source = (path: string) => ({ source: { claimName: 'data', path }, format: 'imagenet-folder' })
  const spec = {
    preset: 'downstream-mini',
    init: 'random',
    input: { resizePixels: 18, cropPixels: 16 },
    maxSteps: 60,
    data: source('downstream/train'),
    evaluation: { data: source('downstream/val'), exclude },
    checkpoint: { everySteps: 60, storage: { volume: { claimName: 'checkpoints' } } },
  }
  return { apiVersion: API_VERSION, kind: 'FinetuneJob', metadata: { name: 'reduced' }, spec }
}

test('a FinetuneJob reports its metrics with and without the copies that data dedup lists', async () => {
  const sizes = { images: 100, evaluationImages: 1, downstreamTrainPerClass: 4, downstreamValPerClass: VAL_PER_CLASS }
  await makeDataSet('jft-mini', { out: data, seed: 9, sizes })
  await plantCopies()
  const folders = ['--train', join(data, 'pretrain'), '--train', join(data, 'downstream', 'train'), '--test', val]
  const list = join(val, 'near-duplicates.tsv')
  const dedup = spawnSync(process.execPath, [resolve('bin/downpour'), 'data', 'dedup', ...folders, '--out', list])
  assert.equal(dedup.status, 0, String(dedup.stderr))
  const file = join(root, 'job.yaml')
  const objects = [
    claim('data', { [ANNOTATIONS.localPath]: data }),
    claim('checkpoints'),
    jobWith('near-duplicates.tsv'),
  ]
  await writeFile(file, objects.map((object) => dump(object)).join('---\n'))
  const run = startLocalRun([file], join(root, 'state'))
  try {
    assert.equal(await run.ended(ENDS_WITHIN_MS), 0, run.output())
    const results = run.results()[0]?.status?.results
    assert.equal(results?.examples, CLASSES * VAL_PER_CLASS)
    assert.equal(results?.reduced?.examples, CLASSES * (VAL_PER_CLASS - 1))
    const right = (score: { metrics: Record<string, number>; examples: number }) =>
      (score.metrics.top1 as number) * score.examples
    const rightOfCopies = right(results) - right(results.reduced)
    assert.ok(Math.abs(rightOfCopies - Math.round(rightOfCopies)) < 1e-6, 'top1 counts whole pictures')
    assert.ok(rightOfCopies >= -1e-6 && rightOfCopies <= CLASSES + 1e-6, `${rightOfCopies} copies are right`)
  } finally {
    run.child.kill('SIGKILL')
  }
})
