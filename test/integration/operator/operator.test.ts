import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { API_VERSION, type JobKind } from '../../../src/contract/names.ts'
import type { CoordinatorStatus, EvaluatorStatus } from '../../../src/contract/status.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { coordinator, evaluator, saved } from '../../unit/operator/builders.ts'
import { type Api, openCountingProxy, startApi, startOperator, TestNamespace, withOperator } from './harness.ts'

const claim = (claimName: string) => ({ claimName })
const PRETRAIN = {
  preset: 'jft-mini',
  data: { source: claim('data'), format: 'tfrecord', labels: 'labels.json' },
  task: { type: 'multi-label', classes: 10 },
  maxSteps: 1000,
  parameterServer: { replicas: 1 },
  workers: { replicas: 2 },
  checkpoint: { storage: { volume: claim('checkpoints') } },
}
const FINETUNE = {
  maxSteps: 1000,
  preset: 'downstream-mini',
  task: { type: 'imagenet-classification', classes: 10 },
  data: { source: claim('data'), format: 'tfrecord' },
  evaluation: { data: { source: claim('data'), format: 'tfrecord' } },
  checkpoint: { storage: { volume: claim('checkpoints') } },
  workers: { replicas: 1 },
}
const done = (facts: Partial<CoordinatorStatus> = {}) =>
  coordinator({ phase: 'done', step: 1000, checkpoints: [saved(1000, { final: true })], ...facts })

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

/** Waits for a phase of the job while the kubelet runs. */
async function reach(cluster: TestNamespace, kind: JobKind, name: string, phase: string): Promise<void> {
  await eventually(
    async () => {
      await cluster.actAsKubelet()
      const status = await cluster.status(kind, name)
      assert.equal(status?.phase, phase, JSON.stringify(status?.conditions))
    },
    { timeoutMs: 10_000, intervalMs: 20 },
  )
}

test('a job runs, loses its parameter server, restarts in generation 1 and succeeds; its deletion leaves no objects', () =>
  withOperator(api, 'life', async (cluster) => {
    await cluster.create('PretrainJob', 'jft', PRETRAIN)
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    assert.deepEqual(await cluster.names('pods'), ['jft-pj-ps-0', 'jft-pj-worker-0', 'jft-pj-worker-1'])
    assert.deepEqual(await cluster.names('services'), ['jft-pj'])
    await cluster.endContainer('jft-pj-ps-0', 137)
    await eventually(
      async () => {
        await cluster.actAsKubelet()
        const status = await cluster.status('PretrainJob', 'jft')
        assert.deepEqual([status?.psGeneration, status?.phase, status?.restarts.counted], [1, 'Running', 1])
      },
      { timeoutMs: 10_000 },
    )
    await cluster.endContainer('jft-pj-ps-0', 0, done())
    await reach(cluster, 'PretrainJob', 'jft', 'Succeeded')
    const status = await cluster.status('PretrainJob', 'jft')
    assert.deepEqual([status?.progress?.step, status?.checkpoint?.final], [1000, true])
    await eventually(async () => {
      await cluster.actAsKubelet()
      assert.deepEqual(await cluster.names('pods'), ['jft-pj-ps-0'])
    })
    await cluster.delete('PretrainJob', 'jft')
    await eventually(async () => {
      await cluster.actAsKubelet()
      assert.deepEqual([await cluster.names('pods'), await cluster.names('services')], [[], []])
    })
    await consistently(async () => assert.deepEqual(await cluster.names('pods'), []))
    await eventually(async () => {
      const events = await cluster.client.list<{ metadata: { name: string }; reason?: string }>({
        apiVersion: 'v1',
        plural: 'events',
        namespace: 'life',
      })
      const reasons = events.items.map((event) => event.reason)
      for (const reason of ['AllCreated', 'Training', 'ParameterServerLost', 'Succeeded']) {
        assert.ok(reasons.includes(reason), `${reason} in ${reasons}`)
      }
    })
  }))

test('a transfer on success is created at once, pins its source and keeps the results', () =>
  withOperator(api, 'chain', async (cluster) => {
    const transfers = [{ name: 'birds', at: { success: true }, template: FINETUNE }]
    await cluster.create('PretrainJob', 'jft', { ...PRETRAIN, transfers })
    await cluster.create('FinetuneJob', 'early', { ...FINETUNE, from: { pretrainJob: 'jft', checkpoint: 'latest' } })
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    await reach(cluster, 'FinetuneJob', 'early', 'Waiting')
    await cluster.endContainer('jft-pj-ps-0', 0, done())
    await reach(cluster, 'FinetuneJob', 'jft-birds', 'Running')
    await reach(cluster, 'FinetuneJob', 'early', 'Running')
    const source = (await cluster.status('FinetuneJob', 'jft-birds'))?.source
    assert.deepEqual([source?.step, source?.digest, source?.claimName], [1000, 'digest-1000', 'checkpoints'])
    await cluster.endContainer('jft-birds-fj-ps-0', 0, done())
    await cluster.endContainer('jft-birds-fj-evaluator-0', 0, evaluator(1000, { top1: 0.5 }) satisfies EvaluatorStatus)
    await reach(cluster, 'FinetuneJob', 'jft-birds', 'Succeeded')
    assert.equal((await cluster.status('FinetuneJob', 'jft-birds'))?.headline, 'top1 0.500')
    await cluster.delete('FinetuneJob', 'jft-birds')
    const left = () => cluster.names('finetunejobs', API_VERSION)
    await eventually(async () => assert.deepEqual(await left(), ['early']))
    await consistently(async () => assert.deepEqual(await left(), ['early'], 'a transfer is made once'))
  }))

test('a PretrainJob starts from the checkpoint of another job, which pins it while the first one trains', () =>
  withOperator(api, 'pretrain-chain', async (cluster) => {
    const from = { pretrainJob: 'imagenet', checkpoint: 'latest' }
    await cluster.create('PretrainJob', 'jft', { ...PRETRAIN, from })
    await reach(cluster, 'PretrainJob', 'jft', 'Waiting')
    await cluster.create('PretrainJob', 'imagenet', PRETRAIN)
    await reach(cluster, 'PretrainJob', 'imagenet', 'Running')
    await cluster.endContainer('imagenet-pj-ps-0', 0, done())
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    const source = (await cluster.status('PretrainJob', 'jft'))?.source
    assert.deepEqual([source?.pretrainJob, source?.step, source?.digest], ['imagenet', 1000, 'digest-1000'])
    const { init } = await cluster.configOf('jft-pj-ps-0')
    assert.deepEqual(init, { type: 'checkpoint', path: source?.path, digest: 'digest-1000' })
  }))

test('a worker that is replaced after a change of the spec trains with the settings of its peers', () =>
  withOperator(api, 'drift', async (cluster) => {
    await cluster.create('PretrainJob', 'jft', PRETRAIN)
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    const before = await cluster.configOf('jft-pj-worker-1')
    await cluster.patch('PretrainJob', 'jft', { batchSize: 7 })
    await cluster.endContainer('jft-pj-worker-1', 137)
    await eventually(
      async () => {
        await cluster.actAsKubelet()
        assert.equal((await cluster.status('PretrainJob', 'jft'))?.replicas.worker.ready, 2)
        assert.equal((await cluster.status('PretrainJob', 'jft'))?.restarts.worker, 1)
      },
      { timeoutMs: 10_000 },
    )
    assert.deepEqual(await cluster.configOf('jft-pj-worker-1'), before)
    await cluster.patch('PretrainJob', 'jft', { suspend: true })
    await reach(cluster, 'PretrainJob', 'jft', 'Suspended')
    await cluster.patch('PretrainJob', 'jft', { suspend: false })
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    assert.equal((await cluster.configOf('jft-pj-worker-1')).batchSize, 7)
  }))

test('suspending a job deletes its pods, and resuming it creates them', () =>
  withOperator(api, 'pause', async (cluster) => {
    await cluster.create('PretrainJob', 'jft', PRETRAIN)
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    await cluster.patch('PretrainJob', 'jft', { suspend: true })
    await eventually(async () => {
      await cluster.actAsKubelet()
      assert.deepEqual(await cluster.names('pods'), [])
      assert.equal((await cluster.status('PretrainJob', 'jft'))?.phase, 'Suspended')
    })
    await cluster.patch('PretrainJob', 'jft', { suspend: false })
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    assert.equal((await cluster.status('PretrainJob', 'jft'))?.restarts.total, 0)
  }))

test('a pod of another owner under the name of a pod is reported, left alone, and replaced once it is gone', () =>
  withOperator(api, 'clash', async (cluster) => {
    const pods = { apiVersion: 'v1', plural: 'pods', namespace: 'clash' }
    const foreign = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'jft-pj-worker-1', namespace: 'clash' } }
    const spec = { containers: [{ name: 'x', image: 'x' }] }
    await cluster.client.create(pods, { ...foreign, spec } as typeof foreign)
    await cluster.create('PretrainJob', 'jft', PRETRAIN)
    await eventually(async () => {
      const created = (await cluster.status('PretrainJob', 'jft'))?.conditions.find(({ type }) => type === 'Created')
      assert.equal(created?.reason, 'NameConflict')
      assert.match(created?.message ?? '', /jft-pj-worker-1 exists already and belongs to no controller/)
    })
    await cluster.client.delete({ ...pods, name: 'jft-pj-worker-1' }, { gracePeriodSeconds: 0 })
    await cluster.patch('PretrainJob', 'jft', { backoffLimit: 7 })
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
  }))

describe('an operator that dies with any of its writes', { concurrency: true }, () => {
  /** The run takes 10 to 14 writes, because status writes may merge; with a higher number the operator does not die. */
  const WRITES = 14
  let died = 0
  after(() => assert.ok(died >= 8, `${died} operators died on the way`))
  for (let n = 1; n <= WRITES; n++) {
    test(`leaves the same end and the same created and deleted pods to its successor after write ${n}`, async () => {
      const cluster = new TestNamespace(api, `crash-${n}`)
      const proxies = [await openCountingProxy(api, n), await openCountingProxy(api)] as const
      const operators = [startOperator(proxies[0].kubeconfigPath, cluster.namespace)]
      void proxies[0].dead.then(() => operators.push(startOperator(proxies[1].kubeconfigPath, cluster.namespace)))
      try {
        await loseWorkerAndSucceed(cluster)
        const writes = proxies.flatMap((proxy) => proxy.writes)
        const count = (what: string) => writes.filter((write) => write === what).length
        died += operators.length - 1
        assert.deepEqual([count('POST services'), count('POST pods')], [1, 3 + 1])
        // A second deletion of a pod that is already being deleted has no effect.
        const removed = new Set(writes.filter((write) => write.startsWith('DELETE')))
        assert.deepEqual([...removed].sort(), ['DELETE pods/jft-pj-worker-0', 'DELETE pods/jft-pj-worker-1'])
      } finally {
        await Promise.all(proxies.map((proxy) => proxy.close()))
        await Promise.all(operators.map((operator) => operator.stop()))
        await cluster.client.close()
      }
    })
  }
})

async function loseWorkerAndSucceed(cluster: TestNamespace): Promise<void> {
  await cluster.create('PretrainJob', 'jft', PRETRAIN)
  await reach(cluster, 'PretrainJob', 'jft', 'Running')
  await cluster.endContainer('jft-pj-worker-1', 137)
  await eventually(
    async () => {
      await cluster.actAsKubelet()
      const status = await cluster.status('PretrainJob', 'jft')
      assert.deepEqual([status?.replicas.worker.ready, status?.restarts.worker], [2, 1])
    },
    { timeoutMs: 10_000 },
  )
  await cluster.endContainer('jft-pj-ps-0', 0, done())
  await reach(cluster, 'PretrainJob', 'jft', 'Succeeded')
  const { restarts } = (await cluster.status('PretrainJob', 'jft')) ?? {}
  assert.deepEqual(restarts, { ps: 0, worker: 1, evaluator: 0, counted: 1, total: 1 })
  await eventually(async () => {
    await cluster.actAsKubelet()
    assert.deepEqual(await cluster.names('pods'), ['jft-pj-ps-0'])
  })
}

test('a parameter server whose node does not confirm its end is reported, deleted by force and replaced', () =>
  withOperator(api, 'lost-node', async (cluster) => {
    const parameterServer = { replicas: 1, template: { terminationGracePeriodSeconds: 1 } }
    const failurePolicy = { lostNodeSeconds: 16 }
    await cluster.create('PretrainJob', 'jft', { ...PRETRAIN, parameterServer, failurePolicy })
    await reach(cluster, 'PretrainJob', 'jft', 'Running')
    const find = async () => (await cluster.pods()).find(({ metadata }) => metadata.name === 'jft-pj-ps-0')
    const { uid } = (await find())?.metadata ?? {}
    await cluster.client.delete({ apiVersion: 'v1', plural: 'pods', namespace: 'lost-node', name: 'jft-pj-ps-0' })
    await eventually(
      async () => {
        const status = await cluster.status('PretrainJob', 'jft')
        const restarting = status?.conditions.find(({ type }) => type === 'Restarting')
        assert.match(
          `${restarting?.reason} ${restarting?.message}`,
          /^NodeLost .*ps-0 on node "node" should have ended by/,
        )
      },
      { timeoutMs: 25_000, intervalMs: 100 },
    )
    await eventually(
      async () => {
        const metadata = (await find())?.metadata
        assert.ok(metadata && metadata.uid !== uid)
        assert.equal(metadata.labels?.['downpour.dev/generation'], '1')
      },
      { timeoutMs: 10_000, intervalMs: 100 },
    )
  }))
