/** The scale subresource of jobs whose preset says how many workers they have, and what kubectl, GitOps and an HPA do with it. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { API_VERSION, type JobKind, PLURALS } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { COUNT_MANAGER } from '../../src/operator/worker-count.ts'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { exec } from '../../tools/cluster/exec.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { eventually } from '../support/eventually.ts'
import { openNamespace, type TestNamespace } from './fixture.ts'

const PATIENT = { timeoutMs: 20_000, intervalMs: 100 }
/** The autoscaler looks every 15 s. */
const SCALED = { timeoutMs: 60_000, intervalMs: 500 }
/** As the preset has them. */
const COUNT = 2
const SPEC = {
  preset: 'jft-mini',
  maxSteps: 1000,
  data: { source: { claimName: 'data' }, format: 'tfrecord', labels: 'labels.json' },
  checkpoint: { storage: { volume: { claimName: 'checkpoints' } } },
}
const FINETUNE = {
  ...SPEC,
  preset: 'imagenet-finetune',
  init: 'random',
  data: { source: { claimName: 'data' }, format: 'imagenet-folder' },
  evaluation: { data: { source: { claimName: 'data' }, format: 'imagenet-folder' } },
  suspend: true,
}

interface Job extends KubeObject {
  spec: { workers?: { replicas?: number } }
  status?: { observedGeneration: number; conditions: { type: string; status: string }[] }
}

let cluster: Cluster
let namespace: TestNamespace
before(async () => {
  cluster = await ensureCluster()
  namespace = await openNamespace(`scale-${process.pid}`)
  const operator = namespace.startOperator(['--no-leader-elect'])
  await eventually(async () => assert.match(await operator.ask('/readyz'), /^ok/), PATIENT)
})
after(() => namespace.remove())

function kubectl(args: string, input?: object): Promise<string> {
  const where = [`--kubeconfig=${cluster.kubeconfig}`, `-n=${namespace.name}`]
  return exec(cluster.kubectl, [...where, ...args.split(' ')], input ? { input: JSON.stringify(input) } : {})
}

function file(name: string, over: object = {}, kind: JobKind = 'PretrainJob'): object {
  return { apiVersion: API_VERSION, kind, metadata: { name }, spec: { ...SPEC, ...over } }
}

/** What the scale subresource says, once nobody owns the number and the status is of this generation. */
async function counted(name: string, count: number, plural: string = PLURALS.PretrainJob): Promise<Job> {
  const ref = { apiVersion: API_VERSION, plural, namespace: namespace.name, name }
  await eventually(async () => {
    const { metadata, spec, status } = await namespace.client.get<Job>(ref)
    assert.equal(spec.workers?.replicas, count)
    const managers = metadata.managedFields?.map(({ manager }) => manager)
    assert.ok(!managers?.includes(COUNT_MANAGER), `owned by ${managers}`)
    assert.equal(status?.observedGeneration, metadata.generation)
  }, PATIENT)
  const scale = await namespace.client.get<Job & { spec: { replicas: number } }>({ ...ref, subresource: 'scale' })
  assert.equal(scale.spec.replicas, count)
  return namespace.client.get<Job>(ref)
}

async function podUids(name: string): Promise<string[]> {
  return (await kubectl(`get pods -l downpour.dev/job-name=${name} -o jsonpath={.items[*].metadata.uid}`))
    .split(' ')
    .sort()
}

test('GitOps finds nothing to change beside the number, and no pod is made anew', async () => {
  await kubectl('apply -f -', file('gitops'))
  const { metadata } = await counted('gitops', COUNT)
  assert.equal(metadata.generation, 2)
  await eventually(async () => assert.equal((await podUids('gitops')).length, 1 + COUNT), PATIENT)
  const before = await podUids('gitops')
  // kubectl diff exits with 1 where there is a difference.
  assert.equal(await kubectl('diff -f -', file('gitops')), '')
  assert.equal(await kubectl('diff --server-side --field-manager=argocd -f -', file('gitops')), '')
  assert.match(await kubectl('apply -f -', file('gitops')), /unchanged/)
  const after = await counted('gitops', COUNT)
  assert.equal(after.metadata.generation, 2)
  assert.deepEqual(await podUids('gitops'), before)
})

test('kubectl scale works with and without the number that it expects', async () => {
  await kubectl('apply -f -', file('kubectl'))
  await counted('kubectl', COUNT)
  await kubectl(`scale pj/kubectl --current-replicas=${COUNT} --replicas=3`)
  await assert.rejects(
    kubectl(`scale pj/kubectl --current-replicas=${COUNT} --replicas=4`),
    /Expected replicas to be 2, was 3/,
  )
  await kubectl('scale pj/kubectl --replicas=1')
  await counted('kubectl', 1)
})

suite('a file that names a number later on meets no conflict, and the preset counts again when it no longer does', () => {
  for (const [how, args] of [
    ['client-side', 'apply -f -'],
    ['server-side', 'apply --server-side -f -'],
  ] as const)
    test(`applied ${how}`, async () => {
      await kubectl(args, file(how))
      await counted(how, COUNT)
      await kubectl(args, file(how, { workers: { replicas: 3 } }))
      await counted(how, 3)
      await kubectl(args, file(how))
      await counted(how, COUNT)
    })

  test('applied by another manager, too', async () => {
    await kubectl('apply -f -', file('other'))
    await counted('other', COUNT)
    const workers = {
      apiVersion: API_VERSION,
      kind: 'PretrainJob',
      metadata: { name: 'other' },
      spec: { workers: { replicas: 3 } },
    }
    await kubectl('apply --server-side --field-manager=other --validate=ignore -f -', workers)
    await counted('other', 3)
  })
})

suite('the scale of a job answers also', () => {
  test('while it is suspended', async () => {
    await kubectl('apply -f -', file('suspended', { suspend: true }))
    await counted('suspended', COUNT)
  })

  test('where Kueue counts its pods', async () => {
    await kubectl('apply -f -', file('queued', { scheduling: { queueName: 'team' } }))
    await counted('queued', COUNT)
  })

  test('where it is a FinetuneJob', async () => {
    await kubectl('apply -f -', file('finetune', FINETUNE, 'FinetuneJob'))
    await counted('finetune', 9, PLURALS.FinetuneJob)
  })
})

test('a HorizontalPodAutoscaler reads the scale and sets it', async () => {
  await kubectl('apply -f -', file('scaled'))
  const hpa = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'scaled' },
    spec: {
      scaleTargetRef: { apiVersion: API_VERSION, kind: 'PretrainJob', name: 'scaled' },
      minReplicas: 4,
      maxReplicas: 8,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
    },
  }
  await kubectl('apply -f -', hpa)
  await eventually(async () => {
    const { spec } = JSON.parse(await kubectl('get pj scaled -o json')) as Job
    const { status } = JSON.parse(await kubectl('get hpa scaled -o json')) as { status: unknown }
    assert.equal(spec.workers?.replicas, 4, JSON.stringify(status))
  }, SCALED)
  // The file of the job has nothing to say about it.
  await kubectl('apply -f -', file('scaled'))
  await counted('scaled', 4)
})
