import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposition } from '../../../src/metrics/exposition.ts'
import type { JobFigures } from '../../../src/metrics/jobs.ts'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'

const LABELS = { namespace: 'team', kind: 'PretrainJob' }
const newMetrics = (jobs: readonly JobFigures[] = [], nowMs = () => 0) =>
  createOperatorMetrics({
    ...{ version: '1.2.3', phases: ['Running', 'Failed'], concurrency: 4 },
    ...{ jobs: () => jobs, nowMs, defaults: true },
  })

function jobOf(job_name: string): JobFigures {
  return {
    labels: { ...LABELS, job_name },
    info: { task: 'multi-label', backbone: 'resnet50', preset: '', init: 'random', protocol: '', from: '' },
    ...{
      phase: 'Running',
      conditions: ['Running', 'Stalled'],
      roles: { worker: { desired: 50, ready: 49, restarts: 3 } },
    },
    ...{ createdSeconds: 1000, startSeconds: 1010, runningForSeconds: 60, livedForSeconds: 90 },
    ...{ step: 7, maxSteps: 10, stepsLost: 2, checkpoint: { step: 5, savedSeconds: 1500 }, results: { top1: 0.5 } },
  }
}

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

test('series of jobs are read at each scrape, so those of a deleted job end', async () => {
  const jobs: JobFigures[] = [jobOf('jft'), jobOf('jft-2')]
  const { registry } = newMetrics(jobs)
  const shown = await registry.metrics()
  const labels = (name: string) => `{namespace="team",kind="PretrainJob",job_name="${name}"`
  for (const line of [
    `downpour_job_phase${labels('jft')},phase="Running"} 1`,
    `downpour_job_phase${labels('jft')},phase="Failed"} 0`,
    `downpour_job_condition${labels('jft')},condition="Stalled"} 1`,
    `downpour_job_condition${labels('jft')},condition="Degraded"} 0`,
    `downpour_job_pods_desired${labels('jft')},role="worker"} 50`,
    `downpour_job_pods_ready${labels('jft')},role="worker"} 49`,
    `downpour_job_pod_restarts_total${labels('jft')},role="worker"} 3`,
    `downpour_job_running_seconds_total${labels('jft')}} 60`,
    `downpour_job_lifetime_seconds_total${labels('jft')}} 90`,
    `downpour_job_step${labels('jft')}} 7`,
    `downpour_job_steps_lost_total${labels('jft')}} 2`,
    `downpour_job_checkpoint_timestamp_seconds${labels('jft')}} 1500`,
    `downpour_job_result${labels('jft')},metric="top1"} 0.5`,
  ]) {
    assert.ok(shown.includes(`${line}\n`), line)
  }
  jobs.shift()
  const later = await registry.metrics()
  assert.doesNotMatch(later, /job_name="jft"/)
  assert.match(later, /downpour_job_step\{.*job_name="jft-2"\} 7/)
})

test('counters of a job do not fall when its status says a little less than was scraped before', async () => {
  const jobs: JobFigures[] = [{ ...jobOf('jft'), runningForSeconds: 10.4, livedForSeconds: 20.4 }]
  const { registry } = newMetrics(jobs)
  const read = async (name: string) =>
    new RegExp(`^downpour_job_${name}_seconds_total\\{.*\\} (\\S+)$`, 'm').exec(await registry.metrics())?.[1]
  assert.deepEqual([await read('running'), await read('lifetime')], ['10.4', '20.4'])
  jobs[0] = { ...jobOf('jft'), phase: 'Succeeded', runningForSeconds: 10, livedForSeconds: Number.NaN }
  assert.deepEqual([await read('running'), await read('lifetime')], ['10.4', '20.4'])
  jobs[0] = { ...jobOf('jft'), createdSeconds: 2000, runningForSeconds: 1, livedForSeconds: 2 }
  assert.deepEqual([await read('running'), await read('lifetime')], ['1', '2'], 'another job of the same name')
})

test('the jobs are read at most twice for a scrape, however many series they have', async () => {
  let reads = 0
  const { registry } = createOperatorMetrics({
    ...{ version: '1.2.3', phases: ['Running'], concurrency: 4, nowMs: () => 0 },
    jobs() {
      reads++
      return [jobOf('jft'), jobOf('jft-2')]
    },
  })
  await exposition(registry).metrics()
  assert.equal(reads, 2, 'once for their series, once for the counters of namespaces')
})

test('counters of a namespace start at zero with its first job and end one hour after its last', async () => {
  let nowMs = 0
  const jobs: JobFigures[] = [jobOf('jft')]
  const metrics = newMetrics(jobs, () => nowMs)
  const failed = /downpour_jobs_failed_total\{namespace="team",kind="PretrainJob"\} (\d)/
  assert.equal(failed.exec(await metrics.registry.metrics())?.[1], '0')
  metrics.jobs.count(LABELS, 'failed')
  jobs.pop()
  nowMs = 3_599_999
  assert.equal(failed.exec(await metrics.registry.metrics())?.[1], '1')
  nowMs = 3_600_000
  assert.doesNotMatch(await metrics.registry.metrics(), failed)
})

test('a counter is no gauge, and a gauge has no name of a counter', async () => {
  const text = await newMetrics([jobOf('jft')]).registry.metrics()
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    assert.equal(name.endsWith('_total'), type === 'counter', name)
  }
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
    /downpour_watch_reconnects_total\{resource="pods"\} 3\n(.*\n){3}downpour_watch_expired_total\{resource="pods"\} 1/,
  )
  assert.match(text, /downpour_watch_last_contact_timestamp_seconds\{resource="pods"\} 9/)
  assert.doesNotMatch(text, /workqueue_unfinished_work_seconds\{.*\} 0\n/)
  done()
  assert.match(await registry.metrics(), /workqueue_unfinished_work_seconds\{.*\} 0\n/)
})
