import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Manifest } from '../../../../src/cli/manifests.ts'
import { checkManifests, manifestWarnings } from '../../../../src/cli/run/check-manifests.ts'
import { finetune, pretrain } from '../../../support/job-cases.ts'

const inFile = (object: object, file = 'jobs.yaml'): Manifest => ({ file, object: JSON.parse(JSON.stringify(object)) })
const check = (...objects: object[]) => checkManifests(objects.map((object) => inFile(object)))
const claim = (name: string, annotations?: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'team', annotations },
})

suite('files that cannot be run are refused before anything starts', () => {
  test('kinds that local mode does not support', () =>
    assert.rejects(check({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }, pretrain()), {
      code: 'KIND_UNKNOWN',
      message: /^jobs\.yaml: kind: Service: local mode supports only PretrainJob, FinetuneJob/,
    }))

  test('kinds that are names of inherited JavaScript properties', async () => {
    for (const kind of ['toString', 'constructor', '__proto__'])
      await assert.rejects(check({ ...pretrain(), kind }), { code: 'KIND_UNKNOWN' })
  })

  test('files without a job', () =>
    assert.rejects(check(claim('c')), { code: 'NO_JOB', message: 'no PretrainJob or FinetuneJob in jobs.yaml' }))

  test('invalid jobs, with a line for each finding', () =>
    assert.rejects(check(pretrain({ maxSteps: -1 }), finetune({ from: undefined })), {
      code: 'INVALID_JOB',
      message:
        'jobs.yaml: PretrainJob/jft: spec.maxSteps: -1: expected a number of at least 1\njobs.yaml: FinetuneJob/birds: spec.from: is required unless init is random',
    }))

  test('everything that is wrong at once, whatever its kind, with the code of the first', () => {
    const { apiVersion, spec } = pretrain()
    const objects = [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'b' } },
      { apiVersion, kind: 'PretrainJob', metadata: { generateName: 'c-' }, spec },
      claim('d', { 'local.downpour.dev/path': '' }),
      pretrain({ maxSteps: 0 }, 'e'),
    ]
    return assert.rejects(check(...objects), (error: Error & { code: string }) => {
      assert.equal(error.code, 'KIND_UNKNOWN')
      const wanted = [
        /ConfigMap/,
        /Secret/,
        /from c-: cannot/,
        /PretrainJob\/e: spec\.maxSteps/,
        /Claim\/d: annotation/,
      ]
      const lines = error.message.split('\n')
      assert.equal(lines.length, wanted.length, error.message)
      for (const [i, pattern] of wanted.entries()) assert.match(lines[i] ?? '', pattern)
      return true
    })
  })

  test('two different objects of one name', () => {
    const two = [inFile(pretrain({ seed: 1 }), 'a.yaml'), inFile(pretrain({ seed: 2 }), 'b.yaml')]
    return assert.rejects(checkManifests(two), {
      code: 'OBJECT_TWICE',
      message: 'b.yaml: PretrainJob/jft: a.yaml has a different object of this name',
    })
  })

  test('but not equal claims in several files, nor names that differ in namespace or kind', async () => {
    const elsewhere = { ...pretrain(), metadata: { name: 'jft', namespace: 'other' } }
    await check(claim('c'), pretrain(), claim('c'), finetune({}, 'jft'), elsewhere)
  })
})

test('evaluation on the training data is a warning, also in the template of a transfer', () => {
  const data = { source: { claimName: 'c', path: 'a' }, format: 'tfrecord', labels: 'labels.json' }
  const same = pretrain({ data, evaluation: { data } })
  const { from: _, ...template } = finetune({ data, evaluation: { data } }).spec as { from?: unknown }
  const transfers = [{ name: 'birds', at: { success: true }, template }]
  const paths = manifestWarnings([same, pretrain({ transfers }), pretrain()].map((job) => inFile(job))).map(
    (line) => /^jobs\.yaml: PretrainJob\/jft: warning: (\S+): /.exec(line)?.[1],
  )
  assert.deepEqual(paths, ['spec.evaluation.data.source', 'spec.transfers[0].template.evaluation.data.source'])
})
