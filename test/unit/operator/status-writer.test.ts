import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobStatus } from '../../../src/api/status.ts'
import { statusError } from '../../../src/kube/errors.ts'
import type { KubeObject } from '../../../src/kube/objects.ts'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { StatusWriter } from '../../../src/operator/status-writer.ts'
import type { RawJob } from '../../../src/operator/stores.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { failed, NOW, observed, pending, pod, pretrainJob } from './builders.ts'

const { signal } = new AbortController()
const raw = pretrainJob() as unknown as RawJob
const statusOf = (...pods: PodFacts[]) => decide(pretrainJob(), observed(pods), NOW).status
const half = statusOf(pod('ps', 0), pod('worker', 0), pending('worker', 1))
const whole = statusOf(pod('ps', 0), pod('worker', 0), pod('worker', 1))

function setup() {
  const clock = new FakeClock()
  const written: string[] = []
  const state: { error?: Error } = {}
  const replace = async <T extends KubeObject>(_ref: object, object: T): Promise<T> => {
    if (state.error) throw state.error
    written.push((object as T & { status: JobStatus }).status.replicas.worker.summary)
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(10 + written.length) } }
  }
  const writer = new StatusWriter({ replace }, clock)
  const write = (before: JobStatus | undefined, status: JobStatus) => writer.write(raw, { before, status }, signal)
  return { clock, written, writer, write, state }
}

test('an unchanged status is not written', async () => {
  const { written, write } = setup()
  assert.deepEqual(await write(whole, structuredClone(whole)), { outcome: 'unchanged' })
  assert.deepEqual(written, [])
})

test('changed numbers are written once a second', async () => {
  const { clock, written, write } = setup()
  await write(undefined, half)
  assert.deepEqual(await write(half, whole), { outcome: 'later', afterMs: 1000 })
  await clock.advance(999)
  assert.deepEqual(await write(half, whole), { outcome: 'later', afterMs: 1 })
  await clock.advance(1)
  assert.deepEqual(await write(half, whole), { outcome: 'written' })
  assert.deepEqual(written, ['1/2', '2/2'])
})

test('a changed condition, phase or restart count is written at once', async () => {
  const { written, write } = setup()
  await write(undefined, half)
  const lost = statusOf(pod('ps', 0), pod('worker', 0), failed('worker', 1, 137))
  assert.deepEqual(await write(half, lost), { outcome: 'written' })
  assert.deepEqual(await write(whole, { ...whole, restarts: { ...whole.restarts, worker: 1 } }), { outcome: 'written' })
  assert.equal(written.length, 3)
})

test('a lower number of ready parameter servers is written at once, or a restarted operator would take them for lost', async () => {
  const { written, write } = setup()
  await write(undefined, whole)
  const { replicas } = whole
  const fewer = { ...whole, replicas: { ...replicas, ps: { ...replicas.ps, ready: 0 } } }
  assert.deepEqual(await write(whole, fewer), { outcome: 'written' })
  assert.deepEqual(await write(fewer, whole), { outcome: 'later', afterMs: 1000 })
  assert.equal(written.length, 2)
})

test('a cached job that is older than the last write is behind', async () => {
  const { writer, write } = setup()
  const copy = (resourceVersion: string) => ({ ...raw, metadata: { ...raw.metadata, resourceVersion } })
  assert.equal(writer.isBehind(copy('7')), false)
  await write(undefined, half)
  assert.deepEqual([writer.isBehind(copy('10')), writer.isBehind(copy('11'))], [true, false])
})

test('a write to a job that has changed or is gone returns stale', async () => {
  for (const status of [409, 404]) {
    const { state, write } = setup()
    state.error = statusError('PUT', status, {})
    assert.deepEqual(await write(undefined, half), { outcome: 'stale' })
  }
})
