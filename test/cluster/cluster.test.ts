/** The test cluster itself: a real API server and scheduler place GPU pods on fake nodes that kwok serves. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { ensureCluster } from '../../tools/cluster/ensure-cluster.ts'
import { type Kubectl, kubectlAt } from '../../tools/cluster/kubectl.ts'
import { ADAPTER_CRDS, manifestFile } from '../../tools/cluster/manifests.ts'
import { pidOf } from '../../tools/cluster/processes.ts'
import type { Cluster } from '../../tools/cluster/up.ts'
import { eventually } from '../support/eventually.ts'

const NAMESPACE = `cluster-test-${process.pid}`
const PODS = 4
const GPUS_OF_POD = 4
const READY = { timeoutMs: 60_000, intervalMs: 200 }

let cluster: Cluster
let kubectl: Kubectl

before(async () => {
  cluster = await ensureCluster()
  kubectl = kubectlAt(cluster.kubectl)
  await kubectl(['create', 'namespace', NAMESPACE])
})
after(() => kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']))

const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object))

function gpuPod(name: string, fields: object = {}) {
  const resources = { limits: { 'nvidia.com/gpu': String(GPUS_OF_POD) } }
  const spec = { containers: [{ name: 'main', image: 'none.invalid/none', resources }], restartPolicy: 'Never' }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE, ...fields }, spec }
}

test('GPU pods run, and no node gets more than its GPUs can hold', async () => {
  const items = Array.from({ length: PODS }, (_, index) => gpuPod(`gpu-${index}`))
  await apply({ apiVersion: 'v1', kind: 'List', items })
  await eventually(async () => {
    const lines = (await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'jsonpath={.items[*].status.phase}'])).split(
      ' ',
    )
    assert.deepEqual(lines, Array(PODS).fill('Running'))
  }, READY)
  const nodes = (await kubectl(['get', 'pods', '-n', NAMESPACE, '-o', 'jsonpath={.items[*].spec.nodeName}'])).split(' ')
  for (const node of new Set(nodes)) {
    const capacity = await kubectl(['get', 'node', node, '-o', `jsonpath={.status.capacity.nvidia\\.com/gpu}`])
    assert.ok(nodes.filter((each) => each === node).length * GPUS_OF_POD <= Number(capacity), `${node} is overbooked`)
  }
})

test('a test can add a kwok stage that makes a pod fail with an exit code', async () => {
  const name = `fail-${NAMESPACE}`
  await apply(failingStage(name))
  try {
    await apply(gpuPod('fails', { labels: { 'downpour.dev/fails': NAMESPACE } }))
    await eventually(async () => {
      const path = 'jsonpath={.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}'
      assert.equal(await kubectl(['get', 'pod', 'fails', '-n', NAMESPACE, '-o', path]), 'Failed 42')
    }, READY)
  } finally {
    await kubectl(['delete', 'stage', name])
  }
})

function failingStage(name: string) {
  const statusTemplate = `
phase: Failed
containerStatuses:
- name: main
  image: none
  state: { terminated: { exitCode: 42, reason: Error } }`
  const matchLabels = { 'downpour.dev/fails': NAMESPACE }
  const running = { key: '.status.phase', operator: 'In', values: ['Running'] }
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: { matchLabels, matchExpressions: [running] },
      next: { statusTemplate },
    },
  }
}

test('a second ensureCluster keeps the running processes', async () => {
  const before = pidOf('kube-apiserver')
  assert.deepEqual(await ensureCluster(), cluster)
  assert.equal(pidOf('kube-apiserver'), before)
})

test('ensureCluster restarts a component that died, and objects are kept', async () => {
  const before = pidOf('kube-scheduler')
  assert.ok(before)
  process.kill(before, 'SIGKILL')
  await eventually(() => assert.equal(pidOf('kube-scheduler'), undefined))
  await ensureCluster()
  assert.notEqual(pidOf('kube-scheduler'), before)
  assert.match(await kubectl(['get', 'namespace', NAMESPACE, '-o', 'name']), /cluster-test/)
})

test('helm reaches the cluster', async () => {
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig }
  const { stdout } = await promisify(execFile)(cluster.helm, ['list', '-A', '-o', 'json'], { env })
  assert.ok(Array.isArray(JSON.parse(stdout)))
})

test('the API server accepts the CRDs of other schedulers and queues', async () => {
  for (const { name } of ADAPTER_CRDS.filter((each) => existsSync(manifestFile(each.name)))) {
    assert.match(readFileSync(manifestFile(name), 'utf8'), /kind: CustomResourceDefinition/)
    await kubectl(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', manifestFile(name)])
  }
})
