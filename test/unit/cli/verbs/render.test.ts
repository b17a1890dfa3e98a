import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { loadAll } from 'js-yaml'
import { validateJob } from '../../../../src/api/parse.ts'
import { formatQuantity, parseQuantity } from '../../../../src/cli/quantities.ts'
import { renderFiles } from '../../../../src/cli/verbs/render.ts'
import { parseRuntimeConfig } from '../../../../src/contract/parse-config.ts'
import { ENV } from '../../../../src/contract/runtime.ts'
import { finetune, pretrain } from '../../../support/job-cases.ts'
import { capture, fileWith } from '../io.ts'

interface Rendered {
  kind: string
  metadata: { name: string; namespace: string }
  spec: Record<string, unknown> & {
    containers: { env: { name: string; value: string }[] }[]
    volumes: { persistentVolumeClaim?: { claimName: string } }[]
  }
}
const CLAIM = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'jft' } }

async function render(t: Parameters<typeof fileWith>[0], objects: readonly object[], options = {}) {
  const { io, written } = capture()
  const code = await renderFiles([await fileWith(t, objects)], io, options)
  return { code, ...written, documents: 'summary' in options ? [] : (loadAll(written.out) as Rendered[]) }
}

suite('downpour render', () => {
  test('prints the spec with its preset filled in, the service and every pod', async (t) => {
    const { code, documents } = await render(t, [CLAIM, pretrain()])
    assert.equal(code, 0)
    const [job, service, ...pods] = documents
    assert.equal(job?.kind, 'PretrainJob')
    assert.deepEqual(job?.spec.model, { backbone: 'resnet101' })
    assert.deepEqual(job?.spec.task, { type: 'multi-label', classes: 18_291, headSlices: 50 })
    assert.equal(job?.spec.maxSteps, 36_000_000)
    assert.deepEqual(validateJob(job), [], 'the printed job can be applied')
    assert.deepEqual([service?.kind, service?.metadata.name], ['Service', 'jft-pj'])
    assert.equal(pods.length, 17 + 50)
    assert.equal(pods.at(-1)?.metadata.name, 'jft-pj-worker-49')
    for (const { metadata } of documents) assert.equal(metadata.namespace, 'team')
  })

  test('prints pods whose configuration the runtime accepts', async (t) => {
    const { documents } = await render(t, [pretrain({ workers: { replicas: 1 } })])
    for (const { kind, spec } of documents.filter((one) => one.kind === 'Pod')) {
      const env = Object.fromEntries(spec.containers[0]?.env.map(({ name, value }) => [name, value]) ?? [])
      assert.doesNotThrow(() => parseRuntimeConfig({ [ENV.config]: env[ENV.config] }), kind)
    }
  })

  test('prints placeholders for the checkpoint of a FinetuneJob, with a comment', async (t) => {
    const { code, out, documents } = await render(t, [finetune()])
    assert.equal(code, 0)
    assert.match(out, /^# The operator pins a checkpoint of PretrainJob\/jft when the job starts: .*placeholders/m)
    assert.match(out, /^# PretrainJob\/jft is not in these files/m)
    const server = documents.find(({ metadata }) => metadata.name === 'birds-fj-ps-0')
    assert.ok(server?.spec.volumes.some((one) => one.persistentVolumeClaim?.claimName === 'claim-of-the-source-job'))
  })

  test('prints the claim of the source job if it is in the same files', async (t) => {
    const checkpoint = { storage: { volume: { claimName: 'of-jft' } } }
    const { out, documents } = await render(t, [pretrain({ checkpoint }), finetune()])
    assert.doesNotMatch(out, /not in these files/)
    const server = documents.find(({ metadata }) => metadata.name === 'birds-fj-ps-0')
    assert.ok(server?.spec.volumes.some((one) => one.persistentVolumeClaim?.claimName === 'of-jft'))
  })

  test('prints the volume of a source checkpoint, which needs no placeholder', async (t) => {
    const from = { volume: { claimName: 'weights', path: 'imagenet' } }
    const { out, documents } = await render(t, [finetune({ from })])
    assert.match(out, /# Parameter server 0 chooses .* newest intact one in folder imagenet of claim weights\.\n/)
    assert.doesNotMatch(out, /step, digest and folder are placeholders/)
    const server = documents.find(({ metadata }) => metadata.name === 'birds-fj-ps-0')
    assert.ok(server?.spec.volumes.some((one) => one.persistentVolumeClaim?.claimName === 'weights'))
  })

  test('prints no placeholder for a job with random weights', async (t) => {
    const { out } = await render(t, [finetune({ init: 'random', from: undefined })])
    assert.doesNotMatch(out, /placeholders/)
  })

  test('--summary counts pods and sums their resource requests; a limit without a request counts', async (t) => {
    const template = {
      resources: { requests: { cpu: '500m', memory: '4Gi' }, limits: { 'nvidia.com/gpu': 1, cpu: 2 } },
    }
    const { code, out } = await render(t, [pretrain({ workers: { template } })], { summary: true })
    assert.equal(code, 0)
    assert.deepEqual(out.trimEnd().split('\n'), [
      'PretrainJob/jft: 1 service, 67 pods',
      '  task       multi-label on resnet101, classes 18291, headSlices 50',
      '  training   36000000 global steps of 32 examples (1152000000 examples), on 50 workers',
      '  ps         17 pods, requests nothing',
      '  worker     50 pods, requests nvidia.com/gpu 50, cpu 25, memory 200Gi',
    ])
  })

  test('--summary counts the examples of all processes of a worker', async (t) => {
    const { out } = await render(t, [pretrain({ workers: { replicas: 2, perPod: 4 }, maxSteps: 10 })], {
      summary: true,
    })
    assert.match(out, / 10 global steps of 128 examples \(1280 examples\), on 2 workers of 4 processes\n/)
  })

  test('refuses an invalid job with the message of validate', async (t) => {
    await assert.rejects(render(t, [pretrain({ workers: { replicas: 0 } })]), {
      code: 'INVALID_JOB',
      message: /^PretrainJob\/jft: spec\.workers\.replicas: 0: expected a number of at least 1$/,
    })
  })

  test('prints an error to standard error if the files contain no job', async (t) => {
    const { code, out, err } = await render(t, [CLAIM])
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /no PretrainJob or FinetuneJob in .*job\.yaml/)
  })
})

test('quantities are parsed and formatted as in Kubernetes', () => {
  const read = ['500m', '2', 2, '4Gi', '1.5k', '1e3', '.5'].map(parseQuantity)
  assert.deepEqual(read, [0.5, 2, 2, 4 * 2 ** 30, 1500, 1000, 0.5])
  assert.deepEqual(
    [formatQuantity('memory', 1.5 * 2 ** 30), formatQuantity('cpu', 0.1 + 0.2), formatQuantity('memory', 12)],
    ['1.5Gi', '0.3', '12'],
  )
})
