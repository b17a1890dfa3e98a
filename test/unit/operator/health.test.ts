import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'
import { startHealthServer } from '../../../src/server/health.ts'

const newMetrics = () => createOperatorMetrics({ version: '1.2.3', phases: ['Running', 'Failed'], concurrency: 4 })

test('health, readiness and metrics are served, with the reason when something is wrong', async () => {
  const state: { trouble: string | undefined; waiting: string | undefined } = {
    trouble: undefined,
    waiting: 'first list of pods',
  }
  const server = await startHealthServer({
    port: 0,
    host: '127.0.0.1',
    troubles: () => state.trouble,
    waitingFor: () => state.waiting,
    metrics: newMetrics().registry,
  })
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return `${response.status} ${(await response.text()).trim()}`
  }
  try {
    assert.equal(await get('/healthz'), '200 ok')
    assert.equal(await get('/readyz'), '503 first list of pods')
    state.waiting = undefined
    state.trouble = 'no word from the API server'
    assert.equal(await get('/readyz'), '200 ok')
    assert.equal(await get('/healthz'), '503 no word from the API server')
    assert.match(await get('/metrics'), /downpour_build_info\{version="1.2.3"\} 1/)
    assert.equal(await get('/secrets'), '404 not found')
  } finally {
    await server.close()
  }
})

test('a port that is taken is told with what to do', async () => {
  const options = { host: '127.0.0.1', troubles: () => undefined, waitingFor: () => undefined }
  const first = await startHealthServer({ ...options, port: 0, metrics: newMetrics().registry })
  try {
    await assert.rejects(startHealthServer({ ...options, port: first.port, metrics: newMetrics().registry }), {
      code: 'PORT_TAKEN',
      message: new RegExp(`--http-port ${first.port}: .*or 0 for any free one`),
    })
  } finally {
    await first.close()
  }
})

test('every label value is there at zero before anything has happened', async () => {
  const { registry } = newMetrics()
  const text = await registry.metrics()
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
    assert.ok(text.includes(`controller_runtime_reconcile_total{controller="job",result="${result}"} 0`), result)
  }
  for (const name of ['workqueue_depth', 'workqueue_adds_total', 'workqueue_retries_total']) {
    assert.ok(text.includes(`${name}{name="job",controller="job"} 0`), name)
  }
})

test('a job shows its phase and is forgotten with it; its counters begin at zero and stay', async () => {
  const { registry, jobs } = newMetrics()
  const labels = { namespace: 'team', kind: 'PretrainJob', job_name: 'jft' }
  jobs.show(labels, 'Running', 7)
  const shown = await registry.metrics()
  assert.match(shown, /downpour_job_phase\{.*job_name="jft",phase="Running"\} 1/)
  assert.match(shown, /downpour_job_phase\{.*phase="Failed"\} 0/)
  assert.match(shown, /downpour_job_step\{.*\} 7/)
  assert.match(shown, /downpour_jobs_failed_total\{namespace="team",kind="PretrainJob"\} 0/)
  jobs.count(labels, 'failed')
  jobs.forget(labels)
  const later = await registry.metrics()
  assert.doesNotMatch(later, /job_name="jft"/)
  assert.match(later, /downpour_jobs_failed_total\{namespace="team",kind="PretrainJob"\} 1/)
})

test('leadership, watches and work under way are read when asked for', async () => {
  const { registry, leader, watches, queue } = newMetrics()
  const figures = {
    relists: 2,
    reconnects: 3,
    expired: 1,
    errors: 1,
    tornLines: 0,
    lastSyncMs: 5000,
    lastEventMs: 9000,
  }
  let leading = false
  leader('downpour-operator', () => leading)
  watches('pods', () => figures)
  assert.match(await registry.metrics(), /leader_election_master_status\{name="downpour-operator"\} 0/)
  leading = true
  const done = queue.working()
  const text = await registry.metrics()
  assert.match(text, /leader_election_master_status\{name="downpour-operator"\} 1/)
  assert.match(
    text,
    /downpour_watch_reconnects\{resource="pods"\} 3\n(.*\n){3}downpour_watch_expired\{resource="pods"\} 1/,
  )
  assert.match(text, /downpour_watch_last_contact_timestamp_seconds\{resource="pods"\} 9/)
  assert.doesNotMatch(text, /workqueue_unfinished_work_seconds\{.*\} 0\n/)
  done()
  assert.match(await registry.metrics(), /workqueue_unfinished_work_seconds\{.*\} 0\n/)
})
