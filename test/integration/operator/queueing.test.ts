/** Jobs with a queue or a gang scheduler; the test acts as Kueue or the scheduler. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { consistently, eventually } from '../../support/eventually.ts'
import { pretrain } from '../../support/job-cases.ts'
import { type Api, startApi, type TestNamespace } from './harness.ts'
import { type RefusingProxy, withRefusingProxy } from './refusing-proxy.ts'

const HELD = 'kueue.x-k8s.io/managed'
const SPEC = { ...pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: 2 } }).spec }

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

const withProxy = (namespace: string, check: (proxy: RefusingProxy, cluster: TestNamespace) => Promise<void>) =>
  withRefusingProxy(api, namespace, check)

async function runs(cluster: TestNamespace): Promise<void> {
  await eventually(
    async () => {
      await cluster.actAsKubelet()
      assert.equal((await cluster.status('PretrainJob', 'jft'))?.phase, 'Running')
    },
    { timeoutMs: 10_000, intervalMs: 20 },
  )
}

/** Does what Kueue's webhook does to every pod of a queue. */
async function hold(cluster: TestNamespace): Promise<void> {
  for (const { metadata } of await cluster.pods()) {
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: cluster.namespace, name: metadata.name }
    await cluster.client.mergePatch(ref, { metadata: { finalizers: [HELD] } })
  }
}

test('a failed pod with a finalizer of Kueue is released and replaced under the same name', () =>
  withProxy('held', async (_proxy, cluster) => {
    await cluster.create('PretrainJob', 'jft', { ...SPEC, scheduling: { queueName: 'team-a' } })
    await runs(cluster)
    const [before] = (await cluster.pods()).filter(({ metadata }) => metadata.name === 'jft-pj-worker-1')
    assert.equal(before?.metadata.labels?.['kueue.x-k8s.io/queue-name'], 'team-a')
    await hold(cluster)
    await cluster.endContainer('jft-pj-worker-1', 137)
    await eventually(
      async () => {
        await cluster.actAsKubelet()
        const [now] = (await cluster.pods()).filter(({ metadata }) => metadata.name === 'jft-pj-worker-1')
        assert.ok(now && now.metadata.uid !== before?.metadata.uid)
      },
      { timeoutMs: 10_000 },
    )
  }))

test('a deleted job leaves no pod, even if all had a finalizer of Kueue', () =>
  withProxy('leave', async (_proxy, cluster) => {
    await cluster.create('PretrainJob', 'jft', { ...SPEC, scheduling: { queueName: 'team-a' } })
    await runs(cluster)
    await hold(cluster)
    await cluster.delete('PretrainJob', 'jft')
    await eventually(async () => {
      await cluster.actAsKubelet()
      assert.deepEqual(await cluster.names('pods'), [])
    })
  }))

test('a pod group is created before its pods; a group of another owner is left alone', () =>
  withProxy('gang', async (proxy, cluster) => {
    const owner = { apiVersion: 'x/v1', kind: 'Other', name: 'other', uid: 'u', controller: true }
    const foreign = { code: 200, kind: 'PodGroup', metadata: { name: 'jft-pj', ownerReferences: [owner] } }
    const taken = { code: 409, reason: 'AlreadyExists', message: 'already exists' }
    const answers: Record<string, typeof foreign | typeof taken> = {
      'POST podgroups': taken,
      'GET podgroups/jft-pj': foreign,
    }
    proxy.refuse = (what) => answers[what]
    await cluster.create('PretrainJob', 'jft', { ...SPEC, scheduling: { gang: 'coscheduling' } })
    await eventually(async () => {
      const status = await cluster.status('PretrainJob', 'jft')
      const created = status?.conditions.find(({ type }) => type === 'Created')
      assert.match(created?.message ?? '', /podgroups gang\/jft-pj exists already and belongs to Other other/)
      assert.equal(created?.reason, 'NameConflict')
    })
    await consistently(() => assert.ok(!proxy.writes.includes('POST pods')))
    answers['POST podgroups'] = { ...foreign, code: 201 }
    await cluster.patch('PretrainJob', 'jft', { backoffLimit: 7 })
    await runs(cluster)
    const group = proxy.writes.lastIndexOf('POST podgroups')
    assert.ok(group >= 0 && group < proxy.writes.indexOf('POST pods'))
  }))

/** Sets the gate of Kueue's webhook and the condition of the API server on a waiting pod. */
async function gate(cluster: TestNamespace): Promise<void> {
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'non-empty gates' }]
  for (const { metadata } of await cluster.pods()) {
    const ref = { apiVersion: 'v1', plural: 'pods', namespace: cluster.namespace, name: metadata.name }
    await cluster.client.mergePatch({ ...ref, subresource: 'status' }, { status: { phase: 'Pending', conditions } })
  }
}

test('neither deadline runs while pods wait in a queue, and both count from admission', () =>
  withProxy('deadlines', async (_proxy, cluster) => {
    const deadlines = { activeDeadlineSeconds: 2, progressDeadlineSeconds: 1 }
    await cluster.create('PretrainJob', 'jft', { ...SPEC, ...deadlines, scheduling: { queueName: 'team-a' } })
    await eventually(async () => assert.equal((await cluster.pods()).length, 3))
    await gate(cluster)
    await eventually(async () => {
      const status = await cluster.status('PretrainJob', 'jft')
      assert.equal(status?.conditions.find(({ type }) => type === 'Scheduled')?.reason, 'Queued')
    })
    const reasons = async () =>
      (await cluster.status('PretrainJob', 'jft'))?.conditions.map(({ reason }) => reason) ?? []
    const isPatient = async () => {
      const now = await reasons()
      assert.ok(
        !now.includes('DeadlineExceeded') && !now.includes('QuorumLost') && !now.includes('NoProgress'),
        String(now),
      )
    }
    await consistently(isPatient, { timeoutMs: 2_500, intervalMs: 100 })
    await runs(cluster)
    await eventually(async () => assert.ok((await reasons()).includes('DeadlineExceeded')))
  }))
