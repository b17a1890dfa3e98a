import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { API_VERSION, type JobKind, LABELS } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { operate } from '../../src/operator/main.ts'
import { silentLog } from '../../src/support/log.ts'
import { type Api, startApi, TestNamespace } from '../integration/operator/harness.ts'
import { eventually } from '../support/eventually.ts'
import { coordinator, evaluator, saved } from '../unit/operator/builders.ts'
import { ofKind, type PolicyRule, parseManifests, type Rendered, render, skip } from './chart.ts'
import { openRecorder, type Recorder, rightsOf } from './recorder.ts'

const claim = (claimName: string) => ({ claimName })
const COMMON = {
  maxSteps: 1000,
  parameterServer: { replicas: 1 },
  workers: { replicas: 1 },
  checkpoint: { storage: { volume: claim('checkpoints') } },
  ttlSecondsAfterFinished: 1,
}
const FINETUNE = {
  ...COMMON,
  preset: 'downstream-mini',
  evaluation: { data: { source: claim('data'), format: 'tfrecord' } },
  data: { source: claim('data'), format: 'tfrecord' },
}
const PRETRAIN = {
  ...COMMON,
  preset: 'jft-mini',
  data: { source: claim('data'), format: 'tfrecord', labels: 'labels.json' },
  transfers: [{ name: 'birds', at: { success: true }, template: FINETUNE }],
}
const DONE = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })
const NAMESPACE = 'rights'
const PATIENT = { timeoutMs: 15_000, intervalMs: 20 }

let api: Api
let recorder: Recorder
let cluster: TestNamespace
before(async () => {
  api = await startApi()
  recorder = await openRecorder(api)
  cluster = new TestNamespace(api, NAMESPACE)
})
after(async () => {
  await cluster.client.close()
  await recorder.close()
  await api.close()
})

async function reach(kind: JobKind, name: string, phase: string): Promise<void> {
  await eventually(async () => {
    await cluster.actAsKubelet()
    const status = await cluster.status(kind, name)
    assert.equal(status?.phase, phase, JSON.stringify(status?.conditions))
  }, PATIENT)
}

const ref = (plural: string, name: string) => ({ apiVersion: 'v1', plural, namespace: NAMESPACE, name })

/** Makes the operator send every kind of request that it can send. */
async function exerciseOperator(): Promise<void> {
  await occupyNames()
  await cluster.create('PretrainJob', 'jft', PRETRAIN)
  await eventually(async () => {
    const created = (await cluster.status('PretrainJob', 'jft'))?.conditions.find(({ type }) => type === 'Created')
    assert.equal(created?.reason, 'NameConflict')
  }, PATIENT)
  await freeNames()
  await cluster.create('FinetuneJob', 'alone', { ...FINETUNE, init: 'random', workers: {} })
  await cluster.patch('PretrainJob', 'jft', { backoffLimit: 7 })
  await reach('PretrainJob', 'jft', 'Running')
  await removeLabel()
  for (let round = 0; round < 2; round++) {
    await cluster.patch('PretrainJob', 'jft', { suspend: true })
    await reach('PretrainJob', 'jft', 'Suspended')
    await cluster.patch('PretrainJob', 'jft', { suspend: false })
    await reach('PretrainJob', 'jft', 'Running')
  }
  for (const gang of ['volcano', 'coscheduling']) await replaceGangWorker(gang)
  await cluster.endContainer('jft-pj-ps-0', 0, DONE)
  await reach('FinetuneJob', 'jft-birds', 'Running')
  for (const name of ['jft-birds', 'alone', 'volcano', 'coscheduling']) {
    await cluster.endContainer(`${name}-fj-ps-0`, 0, DONE)
    await cluster.endContainer(`${name}-fj-evaluator-0`, 0, evaluator(1000, { top1: 0.5 }))
  }
  await eventually(async () => {
    await cluster.actAsKubelet()
    const left = await Promise.all(['pretrainjobs', 'finetunejobs'].map((plural) => cluster.names(plural, API_VERSION)))
    assert.deepEqual(left, [[], []], 'jobs are deleted after ttlSecondsAfterFinished')
  }, PATIENT)
}

/** Creates a service and a pod without an owner under names that the job needs. */
async function occupyNames(): Promise<void> {
  const metadata = (name: string) => ({ name, namespace: NAMESPACE })
  const service = { apiVersion: 'v1', kind: 'Service', metadata: metadata('jft-pj'), spec: { clusterIP: 'None' } }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata('jft-pj-worker-0'),
    spec: { containers: [{ name: 'x', image: 'x' }] },
  }
  for (const [plural, object] of [
    ['services', service],
    ['pods', pod],
  ] as const) {
    await cluster.client.create({ apiVersion: 'v1', plural, namespace: NAMESPACE }, object as KubeObject)
  }
}

async function freeNames(): Promise<void> {
  await cluster.client.delete(ref('services', 'jft-pj'))
  await cluster.client.delete(ref('pods', 'jft-pj-worker-0'), { gracePeriodSeconds: 0 })
}

/** Fails a worker of a gang: when the operator replaces the pod, it also repairs the PodGroup. */
async function replaceGangWorker(gang: string): Promise<void> {
  await cluster.create('FinetuneJob', gang, { ...FINETUNE, init: 'random', scheduling: { gang } })
  await reach('FinetuneJob', gang, 'Running')
  await cluster.endContainer(`${gang}-fj-worker-0`, 137)
  await eventually(async () => {
    await cluster.actAsKubelet()
    assert.equal((await cluster.status('FinetuneJob', gang))?.restarts.worker, 1)
  }, PATIENT)
  await reach('FinetuneJob', gang, 'Running')
}

/** Removes the label by which the operator finds its pod, and waits until the operator restores it. */
async function removeLabel(): Promise<void> {
  const pod = ref('pods', 'jft-pj-worker-0')
  await cluster.client.mergePatch(pod, { metadata: { labels: { [LABELS.jobUid]: null } } })
  await eventually(async () => {
    const { metadata } = await cluster.client.get(pod)
    assert.ok(metadata.labels?.[LABELS.jobUid])
  }, PATIENT)
}

const rightsIn = (rules: readonly PolicyRule[]) =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))),
  )

/** Leaves out the roles for users. */
const operatorRoles = (objects: readonly Rendered[]) =>
  [...ofKind(objects, 'ClusterRole'), ...ofKind(objects, 'Role')].filter(
    ({ metadata }) => !/-(view|edit|admin)$/.test(metadata.name),
  )

test('the operator has exactly the permissions that its requests need', async () => {
  const stopping = new AbortController()
  const options = {
    kubeconfig: recorder.kubeconfigPath,
    namespaces: [],
    leaderElect: true,
    leaseNamespace: NAMESPACE,
    pollSeconds: 0.1,
    defaultImage: 'test',
    logLevel: 'info',
  }
  const running = operate(options, silentLog, stopping.signal)
  try {
    await exerciseOperator()
  } finally {
    stopping.abort()
    await running
  }
  const manifests = await readFile(new URL('../../deploy/operator/rbac.yaml', import.meta.url), 'utf8')
  const granted = operatorRoles(parseManifests(manifests)).flatMap(({ rules = [] }) => rightsIn(rules))
  assert.deepEqual([...recorder.rights].sort(), [...new Set(granted)].sort())
})

suite('a namespaced release', { skip }, () => {
  test('has the same permissions in each of its namespaces', () => {
    const [everywhere] = ofKind(render(), 'ClusterRole').filter(({ metadata }) => metadata.name === 'downpour')
    const roles = ofKind(render({ watchNamespaces: ['a', 'b'] }), 'Role').filter(
      ({ metadata }) => metadata.name === 'downpour',
    )
    assert.deepEqual(
      roles.map(({ rules }) => rules),
      [everywhere?.rules, everywhere?.rules],
    )
  })
})

suite('the permission that a request needs', () => {
  const cases: [string, string, string[]][] = [
    ['GET', '/api/v1/namespaces/a/pods/b', ['get /pods']],
    ['GET', '/api/v1/pods?labelSelector=x', ['list /pods']],
    ['GET', '/apis/downpour.dev/v1alpha1/pretrainjobs?watch=true', ['watch downpour.dev/pretrainjobs']],
    [
      'PUT',
      '/apis/downpour.dev/v1alpha1/namespaces/a/pretrainjobs/b/status',
      ['update downpour.dev/pretrainjobs/status'],
    ],
    ['DELETE', '/api/v1/namespaces/a/pods/b', ['delete /pods']],
  ]
  for (const [method, url, rights] of cases) {
    test(`${method} ${url}`, () => assert.deepEqual(rightsOf({ method, url }), rights))
  }

  test('an owner reference with blockOwnerDeletion also needs the finalizers of the owner', () => {
    const owner = { kind: 'PretrainJob', blockOwnerDeletion: true }
    const body = Buffer.from(JSON.stringify({ metadata: { ownerReferences: [owner] } }))
    const rights = rightsOf({ method: 'POST', url: '/api/v1/namespaces/a/pods' }, body)
    assert.deepEqual(rights, ['create /pods', 'update downpour.dev/pretrainjobs/finalizers'])
  })
})
