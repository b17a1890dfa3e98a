/** The scale subresource of jobs whose number of workers comes from the preset, as used by kubectl, GitOps and an HPA. */
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
/** The autoscaler syncs every 15 s. */
const SCALED = { timeoutMs: 60_000, intervalMs: 500 }
/** Number of workers in the preset. */
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
  await eventually(async () => assert.match(await operator.get('/readyz'), /^ok/), PATIENT)
})
after(() => namespace.remove())

function kubectl(args: string, input?: object): Promise<string> {
  const where = [`--kubeconfig=${cluster.kubeconfig}`, `-n=${namespace.name}`]
  return exec(cluster.kubectl, [...where, ...args.split(' ')], input ? { input: JSON.stringify(input) } : {})
}

function manifest(name: string, spec: object = {}, kind: JobKind = 'PretrainJob'): object {
  return { apiVersion: API_VERSION, kind, metadata: { name }, spec: { ...SPEC, ...spec } }
}

/** Waits until the job and its scale have `count` workers, no manager owns the number, and the status is current. */
async function untilCounted(name: string, count: number, plural: string = PLURALS.PretrainJob): Promise<Job> {
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

test('GitOps finds no difference although the operator set the number, and no pod is recreated', async () => {
  await kubectl('apply -f -', manifest('gitops'))
  const { metadata } = await untilCounted('gitops', COUNT)
  assert.equal(metadata.generation, 2)
  await eventually(async () => assert.equal((await podUids('gitops')).length, 1 + COUNT), PATIENT)
  const before = await podUids('gitops')
  // kubectl diff exits with 1, which rejects, if there is a difference.
  assert.equal(await kubectl('diff -f -', manifest('gitops')), '')
  assert.equal(await kubectl('diff --server-side --field-manager=argocd -f -', manifest('gitops')), '')
  assert.match(await kubectl('apply -f -', manifest('gitops')), /unchanged/)
  const after = await untilCounted('gitops', COUNT)
  assert.equal(after.metadata.generation, 2)
  assert.deepEqual(await podUids('gitops'), before)
})

test('kubectl scale works with and without --current-replicas', async () => {
  await kubectl('apply -f -', manifest('kubectl'))
  await untilCounted('kubectl', COUNT)
  await kubectl(`scale pj/kubectl --current-replicas=${COUNT} --replicas=3`)
  await assert.rejects(
    kubectl(`scale pj/kubectl --current-replicas=${COUNT} --replicas=4`),
    /Expected replicas to be 2, was 3/,
  )
  await kubectl('scale pj/kubectl --replicas=1')
  await untilCounted('kubectl', 1)
})

suite('a manifest that later sets the number gets no conflict, and one that omits it again restores the preset', () => {
  for (const [how, args] of [
    ['client-side', 'apply -f -'],
    ['server-side', 'apply --server-side -f -'],
  ] as const)
    test(`applied ${how}`, async () => {
      await kubectl(args, manifest(how))
      await untilCounted(how, COUNT)
      await kubectl(args, manifest(how, { workers: { replicas: 3 } }))
      await untilCounted(how, 3)
      await kubectl(args, manifest(how))
      await untilCounted(how, COUNT)
    })

  test('applied by another manager', async () => {
    await kubectl('apply -f -', manifest('other'))
    await untilCounted('other', COUNT)
    const workers = {
      apiVersion: API_VERSION,
      kind: 'PretrainJob',
      metadata: { name: 'other' },
      spec: { workers: { replicas: 3 } },
    }
    await kubectl('apply --server-side --field-manager=other --validate=ignore -f -', workers)
    await untilCounted('other', 3)
  })
})

suite('a job has its scale also', () => {
  test('while it is suspended', async () => {
    await kubectl('apply -f -', manifest('suspended', { suspend: true }))
    await untilCounted('suspended', COUNT)
  })

  test('when Kueue queues it', async () => {
    await kubectl('apply -f -', manifest('queued', { scheduling: { queueName: 'team' } }))
    await untilCounted('queued', COUNT)
  })

  test('when it is a FinetuneJob', async () => {
    await kubectl('apply -f -', manifest('finetune', FINETUNE, 'FinetuneJob'))
    await untilCounted('finetune', 50, PLURALS.FinetuneJob)
  })
})

test('a HorizontalPodAutoscaler reads the scale and sets it', async () => {
  await kubectl('apply -f -', manifest('scaled'))
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
  // The manifest omits the number, so applying it again keeps the autoscaler's.
  await kubectl('apply -f -', manifest('scaled'))
  await untilCounted('scaled', 4)
})
