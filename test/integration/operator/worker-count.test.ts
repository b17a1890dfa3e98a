/** The number of workers that only the preset sets: `GET …/scale` reads it from the job, and no manager may own it. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { API_VERSION, type JobKind, PLURALS } from '../../../src/contract/names.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { COUNT_MANAGER } from '../../../src/operator/worker-count.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { finetune, pretrain } from '../../support/job-cases.ts'
import { type Api, openCountingProxy, startApi, startOperator, TestNamespace, withOperator } from './harness.ts'
import { openRefusingProxy } from './refusing-proxy.ts'

const FILE = 'file'
/** The number of workers in the preset. */
const COUNT = 50
const SMALL = { parameterServer: { replicas: 1 } }

interface Job extends KubeObject {
  spec: { workers?: { replicas?: number; quorum?: number } }
  status?: { observedGeneration: number; conditions: { type: string; status: string }[] }
}

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

function refOf(cluster: TestNamespace, kind: JobKind = 'PretrainJob') {
  return { apiVersion: API_VERSION, plural: PLURALS[kind], namespace: cluster.namespace, name: 'jft' }
}

/** Applies as `kubectl apply --server-side` does, without force. */
function applyFile(cluster: TestNamespace, spec: object, kind: JobKind = 'PretrainJob'): Promise<Job> {
  const ref = refOf(cluster, kind)
  const metadata = { name: ref.name, namespace: cluster.namespace }
  return cluster.client.apply<Job>(ref, { apiVersion: API_VERSION, kind, metadata, spec } as KubeObject, {
    fieldManager: FILE,
    force: false,
  })
}

function readJob(cluster: TestNamespace, kind?: JobKind): Promise<Job> {
  return cluster.client.get<Job>(refOf(cluster, kind))
}

async function scaleOf(cluster: TestNamespace, kind?: JobKind): Promise<number> {
  const scale = await cluster.client.get<Job & { spec: { replicas: number } }>({
    ...refOf(cluster, kind),
    subresource: 'scale',
  })
  return scale.spec.replicas
}

async function counted(cluster: TestNamespace, count = COUNT, kind?: JobKind): Promise<Job> {
  await eventually(async () => {
    const job = await readJob(cluster, kind)
    assert.equal(job.spec.workers?.replicas, count)
    const managers = job.metadata.managedFields?.map(({ manager }) => manager) ?? []
    assert.ok(!managers.includes(COUNT_MANAGER), `owned by ${managers}`)
    assert.equal(job.status?.observedGeneration, job.metadata.generation)
  })
  assert.equal(await scaleOf(cluster, kind), count)
  return readJob(cluster, kind)
}

const { spec: PRETRAIN } = pretrain(SMALL)
const { spec: FINETUNE } = finetune({ ...SMALL, init: 'random', from: undefined })

suite('the scale subresource of a job whose preset sets the number of workers', () => {
  test('has the number, which raises the generation once and replaces no pod', () =>
    withOperator(api, 'once', async (cluster) => {
      await applyFile(cluster, PRETRAIN)
      const { metadata } = await counted(cluster)
      assert.equal(metadata.generation, 2)
      await eventually(async () => assert.equal((await cluster.pods()).length, 1 + COUNT))
      const before = (await cluster.pods()).map((pod) => pod.metadata.uid).sort()
      const again = await applyFile(cluster, PRETRAIN)
      assert.deepEqual([again.metadata.generation, again.spec.workers], [2, { replicas: COUNT }])
      await consistently(async () => {
        assert.deepEqual((await cluster.pods()).map((pod) => pod.metadata.uid).sort(), before)
        assert.equal((await readJob(cluster)).metadata.generation, 2)
      })
    }))

  const others: [string, object, JobKind, number][] = [
    ['suspended', { ...PRETRAIN, suspend: true }, 'PretrainJob', COUNT],
    ['queued', { ...PRETRAIN, scheduling: { queueName: 'team' } }, 'PretrainJob', COUNT],
    [
      'presetless',
      { ...PRETRAIN, preset: undefined, task: { type: 'multi-label', classes: 3 }, maxSteps: 9 },
      'PretrainJob',
      1,
    ],
    ['finetuned', FINETUNE, 'FinetuneJob', 50],
    ['bounded', { ...PRETRAIN, workers: { quorum: 3 } }, 'PretrainJob', COUNT],
  ]
  for (const [name, spec, kind, count] of others)
    test(`has the number also if it is ${name}`, () =>
      withOperator(api, name, async (cluster) => {
        await applyFile(cluster, JSON.parse(JSON.stringify(spec)), kind)
        await counted(cluster, count, kind)
      }))

  test('follows a file with another number without a conflict, and the preset after the file omits it', () =>
    withOperator(api, 'file', async (cluster) => {
      await applyFile(cluster, PRETRAIN)
      await counted(cluster)
      await applyFile(cluster, { ...PRETRAIN, workers: { replicas: 3 } })
      await counted(cluster, 3)
      await consistently(async () => assert.equal(await scaleOf(cluster), 3))
      await applyFile(cluster, PRETRAIN)
      await counted(cluster)
    }))

  test('follows an autoscaler, whose number stays when the file is applied again', () =>
    withOperator(api, 'scaler', async (cluster) => {
      await applyFile(cluster, PRETRAIN)
      await counted(cluster)
      await cluster.client.mergePatch(
        { ...refOf(cluster), subresource: 'scale' },
        { spec: { replicas: 4 } },
        { fieldManager: 'scaler' },
      )
      await applyFile(cluster, PRETRAIN)
      await counted(cluster, 4)
    }))
})

for (const write of [1, 2])
  test(`an operator that dies with write ${write} leaves a state that its successor completes`, async () => {
    const cluster = new TestNamespace(api, `dies-${write}`)
    const proxy = await openCountingProxy(api, write)
    const first = startOperator(proxy.kubeconfigPath, cluster.namespace)
    await applyFile(cluster, PRETRAIN)
    await proxy.dead
    await first.stop()
    await proxy.close()
    assert.deepEqual(
      proxy.writes,
      Array.from({ length: write }, () => 'PATCH pretrainjobs/jft'),
    )
    assert.equal((await readJob(cluster)).spec.workers?.replicas, COUNT)
    const second = startOperator(api.kubeconfigPath, cluster.namespace)
    await counted(cluster)
    await second.stop()
    await cluster.client.close()
  })

test('a refused write of the number does not delay the pods, and is not repeated in every reconcile', async () => {
  const cluster = new TestNamespace(api, 'forbidden')
  const proxy = await openRefusingProxy(api)
  const isCount = (what: string) => what === 'PATCH pretrainjobs/jft'
  proxy.refuse = (what) => (isCount(what) ? { code: 403, reason: 'Forbidden', message: 'no' } : undefined)
  const operator = startOperator(proxy.kubeconfigPath, cluster.namespace)
  try {
    await applyFile(cluster, PRETRAIN)
    await eventually(async () => {
      await cluster.actAsKubelet()
      assert.equal((await cluster.status('PretrainJob', 'jft'))?.replicas.worker.ready, COUNT)
    })
    assert.equal(proxy.writes.filter(isCount).length, 1)
  } finally {
    await operator.stop()
    await cluster.client.close()
    await proxy.close()
  }
})
