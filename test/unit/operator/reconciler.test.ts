import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeClient } from '../../../src/kube/client.ts'
import { statusError } from '../../../src/kube/errors.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { ObjectStore } from '../../../src/kube/store.ts'
import { createOperatorMetrics } from '../../../src/metrics/operator.ts'
import type { RawPod } from '../../../src/operator/raw-pod.ts'
import { Reconciler } from '../../../src/operator/reconciler.ts'
import { ReportReader } from '../../../src/operator/runtime-status.ts'
import type { RawJob } from '../../../src/operator/stores.ts'
import { silentLog } from '../../../src/support/log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { pretrainJob } from './builders.ts'

const { signal } = new AbortController()
const KEY = 'PretrainJob/team/jft'

/** Sets up one job whose spec is invalid, so that each reconcile makes one request: it writes the status. */
function setup() {
  const clock = new FakeClock()
  const jobs = new ObjectStore<RawJob>()
  const { kind, metadata } = pretrainJob()
  const put = (resourceVersion: string, status?: unknown, own: object = {}) =>
    jobs.put({ kind, metadata: { ...metadata, ...own, resourceVersion }, spec: {}, ...(status ? { status } : {}) })
  const written: KubeObject[] = []
  const state: { error?: Error; onWrite?: () => void } = {}
  const replace = async (_ref: object, object: KubeObject) => {
    state.onWrite?.()
    if (state.error) throw state.error
    written.push(object)
    return { ...object, metadata: { ...object.metadata, resourceVersion: '10' } }
  }
  const log = silentLog
  const reconciler = new Reconciler({
    client: { replace } as unknown as KubeClient,
    stores: {
      jobs: { PretrainJob: jobs, FinetuneJob: new ObjectStore() },
      pods: new ObjectStore<RawPod>(),
      services: new ObjectStore(),
    },
    reports: new ReportReader({ log, clock, freshMs: 1000 }),
    events: { record() {} },
    metrics: createOperatorMetrics({ version: '0', phases: [], concurrency: 1, jobs: () => [], nowMs: () => 0 }),
    log,
    clock,
    random: () => 0.5,
    pollMs: 1000,
    planOptions: { defaultImage: 'image' },
    wake() {},
    isLeader: () => true,
  })
  put('7')
  const gone = () => {
    const last = jobs.get('team/jft')
    if (last) jobs.remove(last)
    reconciler.forget(KEY)
  }
  return { reconciler, put, gone, written, state, reconcile: () => reconciler.reconcile(KEY, signal) }
}

test('the operator is not ready after a forbidden status write until a status write succeeds', async () => {
  const { reconciler, state, written, put, reconcile } = setup()
  assert.equal(reconciler.trouble, undefined)
  state.error = statusError('PUT status', 403, { message: 'cannot update' })
  await assert.rejects(reconcile(), { httpStatus: 403 })
  assert.match(reconciler.trouble ?? '', /403 Forbidden/)
  delete state.error
  await reconcile()
  assert.equal(reconciler.trouble, undefined)
  state.error = statusError('PUT status', 403, { message: 'cannot update' })
  put('11')
  await assert.rejects(reconcile(), { httpStatus: 403 })
  put('12', (written[0] as RawJob).status)
  await reconcile()
  assert.match(reconciler.trouble ?? '', /403 Forbidden/, 'an unchanged status was not sent, so it proves nothing')
})

test('a new job does not inherit the state of a deleted job of the same name', async () => {
  const { reconciler, written, put, reconcile } = setup()
  await reconcile()
  put('9')
  await reconcile()
  assert.equal(written.length, 1, 'a copy that is older than the last write is not reconciled')
  reconciler.forget(KEY)
  await reconcile()
  assert.equal(written.length, 2)
})

test('a job has metrics once its status is written, and none when it is gone, even if that was being written', async () => {
  const { reconciler, gone, put, state, written, reconcile } = setup()
  const shown = () => reconciler.figures(0).map(({ labels }) => labels.job_name)
  state.error = statusError('PUT status', 500, { message: 'try later' })
  await assert.rejects(reconcile(), { httpStatus: 500 })
  assert.deepEqual(shown(), [], 'metrics show what was written')
  delete state.error
  await reconcile()
  assert.deepEqual(shown(), ['jft'])
  put('15', (written[0] as RawJob).status, { deletionTimestamp: '2026-01-01T00:00:00Z' })
  await reconcile()
  assert.deepEqual(shown(), [], 'its pods end, while a finalizer may keep the job')
  gone()
  put('20')
  state.onWrite = gone
  await reconcile()
  assert.deepEqual(shown(), [])
})
