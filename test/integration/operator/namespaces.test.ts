import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { consistently, eventually } from '../../support/eventually.ts'
import { type Api, startApi, startOperator, TestNamespace } from './harness.ts'

const claim = (claimName: string) => ({ claimName })
const SPEC = {
  preset: 'jft-mini',
  data: { source: claim('data'), format: 'tfrecord', labels: 'labels.json' },
  task: { type: 'multi-label', classes: 10 },
  maxSteps: 1000,
  parameterServer: { replicas: 1 },
  workers: { replicas: 1 },
  checkpoint: { storage: { volume: claim('checkpoints') } },
}

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

test('an operator that watches two of three namespaces runs their jobs and ignores the third', async () => {
  const [one, two, other] = ['one', 'two', 'other'].map((name) => new TestNamespace(api, name)) as [
    TestNamespace,
    TestNamespace,
    TestNamespace,
  ]
  const operator = startOperator(api.kubeconfigPath, 'one', 'two')
  try {
    for (const cluster of [one, two, other]) await cluster.create('PretrainJob', 'jft', SPEC)
    for (const cluster of [one, two]) {
      await eventually(async () => {
        await cluster.actAsKubelet()
        assert.equal((await cluster.status('PretrainJob', 'jft'))?.phase, 'Running')
      })
      assert.deepEqual(await cluster.names('pods'), ['jft-pj-ps-0', 'jft-pj-worker-0'])
    }
    await two.endContainer('jft-pj-worker-0', 137)
    await eventually(async () => {
      await two.actAsKubelet()
      assert.equal(
        (await two.status('PretrainJob', 'jft'))?.restarts.worker,
        1,
        'a watch event of a pod must reconcile its job',
      )
    })
    await consistently(async () => assert.deepEqual(await other.names('pods'), []))
    assert.equal(await other.status('PretrainJob', 'jft'), undefined)
  } finally {
    await operator.stop()
    await Promise.all([one, two, other].map(({ client }) => client.close()))
  }
})
