import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { createKubeClient } from '../../../src/kube/client.ts'
import { EventRecorder, type EventText } from '../../../src/kube/events.ts'
import { silentLog } from '../../../src/support/log.ts'
import { type Answer, type FakeApi, failure, json, startFakeApi } from '../../support/fake-api.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const JOB = {
  apiVersion: 'downpour.dev/v1alpha1',
  kind: 'PretrainJob',
  metadata: { name: 'jft', namespace: 'team', uid: 'job-1', resourceVersion: '9' },
}
const CREATED: EventText = { type: 'Normal', reason: 'PodsCreated', message: 'created 50 workers' }

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function setup(answer: Answer = (call, response) => json(response, 201, call.body ?? {})) {
  const api = await startFakeApi(answer)
  open.push(api.close)
  const client = createKubeClient({ kubeConfig: api.kubeConfig, log: silentLog, limits: { qps: 10_000 } })
  open.push(() => client.close())
  const clock = new FakeClock()
  const events = new EventRecorder({ client, log: silentLog, component: 'downpour-operator', instance: 'op-1', clock })
  return { api, clock, events }
}

interface Sent {
  metadata: { name: string; namespace: string }
  message: string
  count: number
}

const sent = (api: FakeApi) => api.calls.map((call) => call.body as Sent)

test('an event has its object, reason, message, time and reporter', async () => {
  const { api, events } = await setup()
  events.record(JOB, CREATED)
  await events.flush()
  const { metadata, ...event } = sent(api)[0] as Sent
  assert.match(metadata.name, /^jft\.[0-9a-f]{16}$/)
  assert.equal(metadata.namespace, 'team')
  assert.deepEqual(event, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: JOB.apiVersion, kind: JOB.kind, ...JOB.metadata },
    ...CREATED,
    count: 1,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    source: { component: 'downpour-operator', host: 'op-1' },
    reportingComponent: 'downpour-operator',
    reportingInstance: 'op-1',
  })
  assert.equal(api.calls[0]?.path, '/api/v1/namespaces/team/events')
})

test('a repeated event raises the count of the first one', async () => {
  const { api, clock, events } = await setup()
  events.record(JOB, CREATED)
  await events.flush()
  await clock.advance(60_000)
  events.record(JOB, CREATED)
  await events.flush()
  const name = sent(api)[0]?.metadata.name
  assert.equal(api.calls[1]?.method, 'PATCH')
  assert.equal(api.calls[1]?.path, `/api/v1/namespaces/team/events/${name}`)
  assert.deepEqual(api.calls[1]?.body, { count: 2, lastTimestamp: '2026-01-01T00:01:00Z' })
})

test('an event with another object, reason or message is separate', async () => {
  const { api, events } = await setup()
  events.record(JOB, CREATED)
  events.record(JOB, { ...CREATED, message: 'created 1 worker' })
  events.record(JOB, { ...CREATED, reason: 'PodsGone' })
  events.record({ ...JOB, metadata: { ...JOB.metadata, uid: 'job-2' } }, CREATED)
  await events.flush()
  assert.deepEqual(
    api.calls.map((call) => call.method),
    ['POST', 'POST', 'POST', 'POST'],
  )
})

test('repeats during a request are sent in one request', async () => {
  const { api, events } = await setup()
  for (let i = 0; i < 50; i++) events.record(JOB, CREATED)
  await events.flush()
  assert.deepEqual(
    sent(api).map(({ count }) => count),
    [1, 50],
  )
})

test('an event that the API server has dropped is created again', async () => {
  const { api, events } = await setup((call, response) =>
    call.method === 'PATCH' ? failure(response, 404, 'NotFound') : json(response, 201, {}),
  )
  events.record(JOB, CREATED)
  await events.flush()
  events.record(JOB, CREATED)
  await events.flush()
  assert.deepEqual(
    api.calls.map((call) => [call.method, (call.body as { count: number }).count]),
    [
      ['POST', 1],
      ['PATCH', 2],
      ['POST', 1],
    ],
  )
})

test('a refused event is counted and not thrown', async () => {
  const { events } = await setup((_call, response) => failure(response, 403, 'Forbidden'))
  events.record(JOB, CREATED)
  await events.flush()
  assert.equal(events.dropped, 1)
})

test('events beyond the queue limit are dropped', async () => {
  const { api, events } = await setup()
  for (let i = 0; i < 1500; i++) events.record(JOB, { ...CREATED, message: `worker ${i}` })
  assert.ok(events.dropped >= 499, `${events.dropped}`)
  await events.flush()
  assert.ok(api.calls.length <= 1001)
})

test('a message is cut at the limit of the API, between characters', async () => {
  const { api, events } = await setup()
  for (const before of ['', '-']) events.record(JOB, { ...CREATED, message: before + 'ü'.repeat(2000) })
  await events.flush()
  for (const { message } of sent(api)) {
    assert.ok(Buffer.byteLength(message) <= 1024)
    assert.match(message, /^-?ü{500,}…$/)
  }
})
