/** What the start of a job of the paper's size costs: writes, events, and nothing twice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { pretrain } from '../../support/job-cases.ts'
import { type Api, Cluster, startApi, startOperator } from './harness.ts'
import { openRefusingLine } from './refusing-line.ts'

const WORKERS = 50
const MAX_STATUS_WRITES = 6
const MAX_EVENT_WRITES = 10

let api: Api
before(async () => {
  api = await startApi()
})
after(() => api.close())

test('51 pods and a service cost as many writes, few statuses and few events until all run', async () => {
  const cluster = new Cluster(api, 'start')
  const line = await openRefusingLine(api)
  const operator = startOperator(line.kubeconfigPath, 'start')
  try {
    const { spec } = pretrain({ parameterServer: { replicas: 1 }, workers: { replicas: WORKERS } })
    await cluster.create('PretrainJob', 'jft', spec)
    await eventually(
      async () => {
        // Pods start one after the other, as they do.
        await cluster.kubelet()
        const status = await cluster.status('PretrainJob', 'jft')
        assert.deepEqual([status?.phase, status?.replicas.worker.ready], ['Running', WORKERS])
      },
      { timeoutMs: 30_000, intervalMs: 20 },
    )
    const count = (what: RegExp) => line.writes.filter((write) => what.test(write)).length
    assert.deepEqual([count(/^POST pods$/), count(/^POST services$/)], [1 + WORKERS, 1])
    assert.equal(count(/^TRY pods$/), 2, 'one of each role is rehearsed')
    const statuses = count(/^PUT pretrainjobs\/jft\/status$/)
    assert.ok(statuses <= MAX_STATUS_WRITES, `${statuses} status writes`)
    const events = count(/ events/)
    assert.ok(events > 0 && events <= MAX_EVENT_WRITES, `${events} event writes`)
    const others = line.writes.filter((write) => !/^(POST|TRY) (pods|services|events)$|\/status$/.test(write))
    assert.deepEqual(others, [])
    assert.equal((await cluster.pods()).length, 1 + WORKERS)
  } finally {
    await operator.stop()
    await line.close()
    await cluster.client.close()
  }
})
