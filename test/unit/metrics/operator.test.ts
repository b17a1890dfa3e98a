import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'

const newMetrics = () => createOperatorMetrics({ version: '1.2.3', phases: ['Running', 'Failed'], concurrency: 4 })

test('every label value is exported as zero from the start', async () => {
  const { registry } = newMetrics()
  const text = await registry.metrics()
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
    assert.ok(text.includes(`controller_runtime_reconcile_total{controller="job",result="${result}"} 0`), result)
  }
  for (const name of ['workqueue_depth', 'workqueue_adds_total', 'workqueue_retries_total']) {
    assert.ok(text.includes(`${name}{name="job",controller="job"} 0`), name)
  }
})

test('gauges of a job are removed with it; counters of its namespace start at zero and stay', async () => {
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

test('leadership, watches and running work are read at each scrape', async () => {
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
