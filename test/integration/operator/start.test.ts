/** Counts the writes and events of the start of a job with the paper's size. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JobStatus } from '../../../src/api/status.ts'
import { API_VERSION, PLURALS } from '../../../src/contract/names.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { eventually } from '../../support/eventually.ts'
import { pretrain } from '../../support/job-cases.ts'
import { type Api, startApi, startOperator, TestNamespace } from './harness.ts'
import { openRefusingProxy } from './refusing-proxy.ts'

const WORKERS = 50
/** One status after all creations, one a second for changed numbers, one when the last pod is ready. */
const MAX_STATUS_WRITES = 3
const MAX_EVENT_WRITES = 10

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

/** Runs an operator for one namespace until the test ends. */
async function withOperator(
  kubeconfig: string,
  namespace: string,
  run: (cluster: TestNamespace, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const cluster = new TestNamespace(api, namespace)
  const operator = startOperator(kubeconfig, namespace)
  const stopping = new AbortController()
  try {
    await run(cluster, stopping.signal)
  } finally {
    stopping.abort()
    await operator.stop()
    await cluster.client.close()
  }
}

const small = () => pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: 3 } })

test('the start of 51 pods and a service takes one write each, few status writes and few events', async () => {
  const proxy = await openRefusingProxy(api)
  try {
    await withOperator(proxy.kubeconfigPath, 'start', async (cluster) => {
      const { spec } = pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: WORKERS } })
      await cluster.create('PretrainJob', 'jft', spec)
      await eventually(
        async () => {
          // Pods start one after the other, as in a cluster.
          await cluster.actAsKubelet()
          const status = await cluster.status('PretrainJob', 'jft')
          assert.deepEqual([status?.phase, status?.replicas.worker.ready], ['Running', WORKERS])
        },
        { timeoutMs: 30_000, intervalMs: 20 },
      )
      const count = (what: RegExp) => proxy.writes.filter((write) => what.test(write)).length
      assert.deepEqual([count(/^POST pods$/), count(/^POST services$/)], [1 + WORKERS, 1])
      assert.equal(count(/^TRY pods$/), 2, 'one pod of each role is created with dryRun')
      const statuses = count(/^PUT pretrainjobs\/jft\/status$/)
      assert.ok(statuses <= MAX_STATUS_WRITES, `${statuses} status writes`)
      // An event is sent after the write of its status.
      await eventually(() => assert.ok(count(/ events/) > 0))
      assert.ok(count(/ events/) <= MAX_EVENT_WRITES, `${count(/ events/)} event writes`)
      const others = proxy.writes.filter((write) => !/^(POST|TRY) (pods|services|events)$|\/status$/.test(write))
      assert.deepEqual(others, [])
      assert.equal((await cluster.pods()).length, 1 + WORKERS)
    })
  } finally {
    await proxy.close()
  }
})

test('the first status of a job includes the pods that were created for it', () =>
  withOperator(api.kubeconfigPath, 'first', async (cluster, signal) => {
    const where = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: cluster.namespace }
    const firstStatus = async () => {
      const changes = cluster.client.watch<KubeObject & { status?: JobStatus }>(where, { signal })
      for await (const { type, object } of changes)
        if (type === 'MODIFIED' && object.status?.phase) return object.status
      return undefined
    }
    const [status] = await Promise.all([firstStatus(), cluster.create('PretrainJob', 'jft', small().spec)])
    const created = status?.conditions.find(({ type }) => type === 'Created')
    assert.deepEqual([created?.status, created?.message], ['True', '4 of 4 pods exist'])
  }))

test('a job has a status even if its pods are deleted as fast as they are created', () =>
  withOperator(api.kubeconfigPath, 'vain', async (cluster, signal) => {
    const where = { apiVersion: 'v1', plural: 'pods', namespace: cluster.namespace }
    let removed = 0
    const removing = (async () => {
      for await (const { type, object } of cluster.client.watch<KubeObject>(where, { signal })) {
        if (type !== 'ADDED') continue
        await cluster.client.delete({ ...where, name: object.metadata.name }, { gracePeriodSeconds: 0 })
        removed++
      }
    })()
    // The signal of the test ends this loop.
    removing.catch(() => {})
    await cluster.create('PretrainJob', 'jft', small().spec)
    await eventually(async () => assert.ok(await cluster.status('PretrainJob', 'jft')), { timeoutMs: 5_000 })
    assert.ok(removed >= 4, `${removed} pods were removed`)
  }))

test('a stopped operator leaves no timer that keeps its process alive', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await withOperator(api.kubeconfigPath, 'stop', async (cluster) => {
    await cluster.create('PretrainJob', 'jft', small().spec)
    await eventually(async () => assert.ok(await cluster.status('PretrainJob', 'jft')))
  })
  // The server may take a moment to see that the operator's watches are closed.
  const none = () => assert.ok(timers() <= before, process.getActiveResourcesInfo().join())
  await eventually(none, { timeoutMs: 1000 })
})
