/** Rules for the names of all metrics: units, documentation, and a use for each. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { PHASES } from '../../../src/api/status.ts'
import { createEvaluatorMetrics } from '../../../src/metrics/evaluator.ts'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'
import { createPsMetrics } from '../../../src/metrics/ps.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { monitoringFiles } from '../../../tools/monitoring/outputs.ts'

interface Family {
  name: string
  type: string
}

const families = await Promise.all(
  [
    createOperatorMetrics({ version: '0', phases: PHASES, concurrency: 1, jobs: () => [], nowMs: () => 0 }),
    ...[createPsMetrics(), createEvaluatorMetrics(), createWorkerMetrics({ tensors: () => 0 })],
  ].map(
    async ({ registry }): Promise<Family[]> =>
      [...(await registry.getMetricsAsJSON())].map(({ name, type }) => ({ name, type: String(type) })),
  ),
).then((all) => all.flat())
const ours = families.filter(({ name }) => name.startsWith('downpour_'))

const BASE_UNITS = ['seconds', 'bytes', 'ratio']
/** What is counted, in plural; `info` is always 1. Those without a unit are named for what they are. */
const COUNTED = ['steps', 'pods', 'pushes', 'pulls', 'saves', 'workers', 'tensors', 'leases', 'samples', 'gradients']
const NO_UNIT: Readonly<Record<string, string>> = {
  downpour_job_phase: '0 or 1 by label',
  downpour_job_condition: '0 or 1 by label',
  downpour_job_pods_desired: 'pods',
  downpour_job_pods_ready: 'pods',
  downpour_job_step: 'the number of a step',
  downpour_job_checkpoint_step: 'the number of a step',
  downpour_checkpoint_last_committed_step: 'the number of a step',
  downpour_evaluator_last_step: 'the number of a step',
  downpour_ps_version: 'the number of an update',
  downpour_ps_queue_depth: 'connections',
  downpour_job_result: 'the unit of each metric of a task is its own',
  downpour_evaluator_score: 'the unit of each metric of a task is its own',
  downpour_evaluator_reduced_score: 'the unit of each metric of a task is its own',
  downpour_worker_loss: 'has none',
  downpour_ps_learning_rate: 'has none',
}

test('gauges and histograms end in a base unit, or in what they count', () => {
  for (const { name, type } of ours.filter((one) => one.type !== 'counter')) {
    const isNamed = [...BASE_UNITS, ...COUNTED, 'info'].some((unit) => name.endsWith(`_${unit}`))
    assert.equal(isNamed || type === 'histogram', NO_UNIT[name] === undefined, name)
    if (type === 'histogram') assert.match(name, /_(seconds|steps)$/)
  }
})

test('what only rises is a counter, and nothing else has its name', () => {
  for (const { name, type } of families) assert.equal(name.endsWith('_total'), type === 'counter', name)
})

test('no name has a unit that is no base unit', () => {
  for (const { name } of ours) assert.doesNotMatch(name, /_(ms|millis\w*|minutes|hours|kb|mb|mib|percent)(_|$)/, name)
})

test('the table of the documentation names every family, and none that does not exist', () => {
  const patterns = documented().map((pattern) => new RegExp(`^${pattern.replaceAll('*', '.*')}$`))
  for (const { name } of families)
    assert.ok(
      patterns.some((pattern) => pattern.test(name)),
      `${name} is not documented`,
    )
  for (const pattern of patterns)
    assert.ok(
      families.some(({ name }) => pattern.test(name)),
      `nothing is ${pattern}`,
    )
})

/** Names in the table; `_step` continues the first name of its row. Those of prom-client are not ours. */
function documented(): string[] {
  const text = readFileSync(new URL('../../../docs/monitoring.md', import.meta.url), 'utf8')
  const rows = (text.split('## What there is')[1] ?? '').split('\n').filter((line) => line.startsWith('| '))
  return rows.flatMap((row) => {
    const names = [...row.matchAll(/`([a-z_*]+)`/g)].map(([, name = '']) => name)
    const prefix = /^downpour_[a-z]+/.exec(names[0] ?? '')?.[0] ?? ''
    return names.map((name) => (name.startsWith('_') ? `${prefix}${name}` : name)).filter((name) => !isOfNode(name))
  })
}

const isOfNode = (name: string) => name.startsWith('process_') || name.startsWith('nodejs_')

/** In no rule or dashboard, with the reason why they are exported. */
const UNUSED: Readonly<Record<string, readonly string[]>> = {
  'dashboards for controller-runtime show it': [
    'controller_runtime_active_workers',
    'controller_runtime_max_concurrent_reconciles',
    'controller_runtime_terminal_reconcile_errors_total',
    'rest_client_request_retries_total',
    'workqueue_adds_total',
    'workqueue_retries_total',
    'workqueue_unfinished_work_seconds',
    'workqueue_work_duration_seconds',
  ],
  'a detail to look at when a watch reconnects or a worker is in trouble': [
    'downpour_ps_connected_workers',
    'downpour_ps_protocol_errors_total',
    'downpour_watch_expired_total',
    'downpour_watch_torn_lines_total',
    'downpour_worker_corrupt_records_total',
    'downpour_worker_pushes_total',
    'downpour_worker_tensors',
  ],
  'of one worker, to compare with the mean of the job that is shown': [
    'downpour_ps_worker_last_push_timestamp_seconds',
    'downpour_ps_worker_staleness_steps_total',
  ],
  'the panels have the same of the operator, which knows the whole job; it is there while no operator runs': [
    'downpour_checkpoint_last_committed_step',
    'downpour_evaluator_reduced_score',
    'downpour_evaluator_score',
    'downpour_ps_steps_lost_total',
    'downpour_ps_version',
  ],
  'for planning storage and networks': ['downpour_checkpoint_size_bytes', 'downpour_ps_pulls_total'],
  'the curves of scores have holes or end where it rises': [
    'downpour_checkpoint_skipped_total',
    'downpour_evaluator_evaluations_total',
  ],
  'the age of a job': ['downpour_job_created_timestamp_seconds'],
}

test('every metric is in a rule, an alert or a dashboard, or has a reason to be exported without', () => {
  const text = [...monitoringFiles()].map(([, content]) => content).join('\n')
  const isUsed = (name: string) => new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`).test(text)
  const unused = families.map(({ name }) => name).filter((name) => !isUsed(name))
  assert.deepEqual(unused.sort(), Object.values(UNUSED).flat().sort())
})
