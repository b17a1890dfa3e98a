/** Kills the leader while twenty jobs start: the standby must take over, and create no pod a second time. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import { eventually } from '../support/eventually.ts'
import { type OperatorProcess, openNamespace, type TestNamespace } from './fixture.ts'

const JOBS = 20
const WORKERS = 4
const LEASE_MS = 15_000
const SLACK_MS = 3_000

let namespace: TestNamespace
before(async () => {
  namespace = await openNamespace(`leader-${process.pid}`)
})
after(() => namespace.remove())

test('the standby leads within the lease duration, and no pod is created twice', async (t) => {
  const watch = watchPods()
  const pair = [namespace.startOperator(), namespace.startOperator()]
  const leader = await leaderOf(pair)
  const standby = pair.find((one) => one !== leader) as OperatorProcess
  for (let job = 0; job < JOBS; job++) await namespace.createJob(`job-${job}`, WORKERS)
  await eventually(async () => assert.ok((await namespace.pods()).length > 0), { timeoutMs: 20_000 })
  await leader.kill('SIGKILL')
  const killedMs = performance.now()
  await namespace.createJob('after', WORKERS)
  await leaderOf([standby])
  const ledMs = performance.now() - killedMs
  assert.ok(ledMs < LEASE_MS + SLACK_MS, `the standby leads after ${ledMs} ms`)
  await eventually(
    async () => {
      const pods = await namespace.pods()
      assert.equal(pods.length, (JOBS + 1) * (WORKERS + 1))
    },
    { timeoutMs: 30_000, intervalMs: 50 },
  )
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  const allMs = performance.now() - killedMs
  t.diagnostic(`the standby leads after ${seconds(ledMs)} s, all pods are there after ${seconds(allMs)} s`)
  watch.stop()
  const duplicates = [...watch.created].filter(([, uids]) => uids.size > 1)
  assert.deepEqual(duplicates, [], 'a pod was created twice')
  await untilStatusesComplete()
})

/** Collects the UIDs of all pods ever created, by pod name. */
function watchPods() {
  const created = new Map<string, Set<string>>()
  const stopping = new AbortController()
  const where = { apiVersion: 'v1', plural: 'pods', namespace: namespace.name }
  const watching = (async () => {
    for await (const { type, object } of namespace.client.watch<KubeObject>(where, { signal: stopping.signal })) {
      if (type !== 'ADDED') continue
      const uids = created.get(object.metadata.name) ?? new Set()
      created.set(object.metadata.name, uids.add(object.metadata.uid ?? ''))
    }
  })()
  watching.catch(() => {})
  return { created, stop: () => stopping.abort() }
}

async function leaderOf(operators: readonly OperatorProcess[]): Promise<OperatorProcess> {
  let leader: OperatorProcess | undefined
  await eventually(
    () => {
      leader = operators.find((operator) => operator.output().includes('"msg":"leading"'))
      assert.ok(leader, operators.map((operator) => operator.output()).join('\n'))
    },
    { timeoutMs: LEASE_MS + SLACK_MS },
  )
  return leader as OperatorProcess
}

async function untilStatusesComplete(): Promise<void> {
  const where = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: namespace.name }
  await eventually(
    async () => {
      const { items } = await namespace.client.list<
        KubeObject & { status?: { phase?: string; workersReady?: number } }
      >(where)
      assert.equal(items.length, JOBS + 1)
      for (const { metadata, status } of items) {
        assert.deepEqual([metadata.name, status?.phase, status?.workersReady], [metadata.name, 'Running', WORKERS])
      }
    },
    { timeoutMs: 30_000, intervalMs: 200 },
  )
}
