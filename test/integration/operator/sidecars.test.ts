/** Pods into which a service mesh has injected its proxy; the test acts as the kubelet. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ContainerState } from '../../../src/operator/raw-pod.ts'
import { eventually } from '../../support/eventually.ts'
import { pretrain } from '../../support/job-cases.ts'
import { coordinator, saved } from '../../unit/operator/builders.ts'
import {
  badData,
  container,
  ended,
  INIT_FAILED,
  running,
  SIDECAR_FIRST,
  type Status,
} from '../../unit/operator/pod-statuses.ts'
import { untilCondition } from './conditions.ts'
import { type Api, startApi, startOperator, TestNamespace } from './harness.ts'

const SPEC = { ...pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: 2 } }).spec }
const DONE = coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })] })

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

const ref = (cluster: TestNamespace, name: string) => ({
  apiVersion: 'v1',
  plural: 'pods',
  namespace: cluster.namespace,
  name,
})

const patchStatus = (cluster: TestNamespace, name: string, status: Status) =>
  cluster.client.mergePatch({ ...ref(cluster, name), subresource: 'status' }, { status })

const beside = (role: string, state: ContainerState): Status => ({
  phase: 'Running',
  containerStatuses: [container('istio-proxy', running), container(role, state)],
})

/** Creates a job and waits until all its pods run. */
async function withJob(namespace: string, check: (cluster: TestNamespace) => Promise<void>): Promise<void> {
  const cluster = new TestNamespace(api, namespace)
  const operator = startOperator(api.kubeconfigPath, namespace)
  try {
    await cluster.create('PretrainJob', 'jft', SPEC)
    await eventually(
      async () => {
        await cluster.actAsKubelet()
        assert.equal((await cluster.status('PretrainJob', 'jft'))?.phase, 'Running')
      },
      { timeoutMs: 10_000 },
    )
    await check(cluster)
  } finally {
    await operator.stop()
    await cluster.client.close()
  }
}

test('a job succeeds while a proxy runs beside its parameter server, and the operator then ends the proxy', () =>
  withJob('mesh', async (cluster) => {
    await patchStatus(cluster, 'jft-pj-ps-0', beside('ps', ended(0, JSON.stringify(DONE))))
    await untilCondition(cluster, 'Succeeded', /^True Completed: trained to step 1000/)
    await eventually(async () => {
      const { spec } = await cluster.client.get<{ metadata: { name: string }; spec?: object }>(
        ref(cluster, 'jft-pj-ps-0'),
      )
      assert.equal((spec as { activeDeadlineSeconds?: number }).activeDeadlineSeconds, 1)
    })
  }))

test('bad data fails the job even if the status of the proxy comes first and has exit code 0', () =>
  withJob('first', async (cluster) => {
    await patchStatus(cluster, 'jft-pj-worker-0', SIDECAR_FIRST)
    await untilCondition(cluster, 'Failed', /^True BAD_DATA: worker-0: x.tfrecord at byte 0/)
  }))

test('bad data fails the job while the proxy still runs', () =>
  withJob('alive', async (cluster) => {
    await patchStatus(cluster, 'jft-pj-worker-0', beside('worker', badData))
    await untilCondition(cluster, 'Failed', /^True BAD_DATA: /)
  }))

test('a failed init container is shown with its termination message, and the worker is replaced', () =>
  withJob('init', async (cluster) => {
    await patchStatus(cluster, 'jft-pj-worker-0', INIT_FAILED)
    await untilCondition(
      cluster,
      'Degraded',
      /worker-0: init container "istio-init": iptables: permission denied \(exit 255\)/,
    )
    await eventually(async () => {
      const pod = (await cluster.pods()).find(({ metadata }) => metadata.name === 'jft-pj-worker-0')
      assert.equal(pod?.metadata.labels?.['downpour.dev/attempt'], '1')
    })
  }))

test('a worker that was killed beside a proxy is replaced once its pod is gone', () =>
  withJob('killed', async (cluster) => {
    await patchStatus(cluster, 'jft-pj-worker-1', beside('worker', ended(137)))
    await eventually(
      async () => {
        const pod = (await cluster.pods()).find(({ metadata }) => metadata.name === 'jft-pj-worker-1')
        if (pod?.metadata.deletionTimestamp) await cluster.actAsKubelet()
        assert.equal(pod?.metadata.labels?.['downpour.dev/attempt'], '1')
      },
      { timeoutMs: 10_000 },
    )
  }))
