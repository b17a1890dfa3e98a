import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobStatus } from '../../../src/api/status.ts'
import type { CoordinatorStatus } from '../../../src/contract/status.ts'
import { jobFigures } from '../../../src/operator/job-figures.ts'
import { measureProgress } from '../../../src/operator/policies/progress.ts'
import { coordinator, NOW, pretrainJob } from './builders.ts'

type Progress = JobStatus['progress']

/** What the status says after these reports of parameter server 0; each is read by an operator that has just started. */
function after(...reports: Partial<CoordinatorStatus>[]): Progress {
  const stored = (progress: Progress): Progress => progress && JSON.parse(JSON.stringify(progress))
  return reports.reduce<Progress>(
    (before, facts) => stored(measureProgress(before, coordinator(facts), NOW)),
    undefined,
  )
}

test('a job whose step only rises has lost none', () => {
  const progress = after({ step: 1 }, { step: 5 })
  assert.deepEqual([progress?.stepsLost, progress?.lastRollback], [undefined, undefined])
})

test('steps are lost once, however often the parameter server and the operator say so', () => {
  const again = { incarnation: 2, stepsLost: 40 }
  const progress = after({ step: 100 }, { step: 80, ...again }, { step: 85, ...again }, { step: 130, ...again })
  assert.equal(progress?.stepsLost, 40, 'the job had come to step 120 when it went back to step 80')
})

test('steps count that no report has shown, because training had caught up before the next one', () => {
  assert.equal(after({ step: 100 }, { incarnation: 2, step: 105, stepsLost: 30 })?.stepsLost, 30)
})

test('a worker that reports later that it had seen more adds only what it had seen more', () => {
  const again = { incarnation: 2 }
  assert.equal(after({ step: 100 }, { ...again, step: 80 }, { ...again, step: 90, stepsLost: 35 })?.stepsLost, 35)
})

test('each return to a checkpoint adds its own', () => {
  const first = { incarnation: 2, step: 80, stepsLost: 20 }
  const progress = after({ step: 100 }, first, { ...first, step: 95 }, { incarnation: 3, step: 80, stepsLost: 15 })
  assert.deepEqual([progress?.stepsLost, progress?.lastRollback], [35, { incarnation: 3, steps: 15 }])
})

test('the metric of the job is what its status says', () => {
  const { status, ...job } = pretrainJob({ status: { progress: after({ step: 9 }, { step: 4 }) } as JobStatus })
  const rest = { phase: 'Running', conditions: [], replicas: {}, restarts: {} }
  const role = { desired: 1, ready: 1, failed: 0, succeeded: 0, summary: '1/1' }
  const replicas = { ps: role, worker: role, evaluator: role }
  const published = { state: 'invalid', job, issues: [], status: { ...status, ...rest, replicas } }
  assert.equal(jobFigures(published as never, NOW).stepsLost, 5)
})
