import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, test } from 'node:test'
import { LeaderElector } from '../../../src/kube/leader.ts'
import { silentLog } from '../../../src/support/log.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { type Call, failure, json, startFakeApi } from '../../support/fake-api.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

interface Stored {
  metadata: { resourceVersion?: string }
  spec: Record<string, unknown>
}

/** Serves one Lease with optimistic locking. `broken` answers instead while it is set. */
async function leaseApi() {
  const state: { lease?: Stored; writes: number; broken?: (response: ServerResponse, call: Call) => void } = {
    writes: 0,
  }
  const api = await startFakeApi((call, response) => {
    if (state.broken) return state.broken(response, call)
    if (call.method === 'GET')
      return state.lease ? json(response, 200, state.lease) : failure(response, 404, 'NotFound')
    if (call.method === 'POST' && state.lease) return failure(response, 409, 'AlreadyExists')
    const sent = call.body as Stored
    const isStale = sent.metadata.resourceVersion !== state.lease?.metadata.resourceVersion
    if (call.method === 'PUT' && isStale) return failure(response, 409, 'Conflict')
    state.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(++state.writes) } }
    json(response, 200, state.lease)
  })
  open.push(api.close)
  return { api, state }
}

type LeaseApi = Awaited<ReturnType<typeof leaseApi>>

function elector({ api }: LeaseApi, identity: string, clock = new FakeClock()) {
  const lost: string[] = []
  const one = new LeaderElector({
    kubeConfig: api.kubeConfig,
    namespace: 'ops',
    name: 'downpour',
    identity,
    log: silentLog,
    clock,
    random: () => 1,
    onLost: () => lost.push(identity),
  })
  open.push(() => one.release())
  return { one, clock, lost }
}

const RETRY_MS = 2_000

/** Advances the clocks step by step; each step waits until every elector sleeps again. */
async function pass(electors: Pick<ReturnType<typeof elector>, 'clock' | 'lost'>[], ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const { clock } of electors) await clock.advance(500)
    for (const { clock, lost } of electors) {
      // A sleep up to this length is the pause between two tries; a try itself sleeps longer or not at all.
      const isPausing = () => clock.waits.some((wait) => wait <= RETRY_MS)
      await eventually(() => assert.ok(lost.length > 0 || isPausing()), { intervalMs: 1 })
    }
  }
}

test('the first elector leads and renews with times of six decimals', async () => {
  const lease = await leaseApi()
  const leader = elector(lease, 'a')
  await leader.one.acquire()
  assert.equal(leader.one.isLeader(), true)
  assert.deepEqual(lease.state.lease?.spec, {
    holderIdentity: 'a',
    leaseDurationSeconds: 15,
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:00:00.000000Z',
    leaseTransitions: 0,
  })
  await pass([leader], 2_000)
  assert.equal(lease.state.lease?.spec.renewTime, '2026-01-01T00:00:02.000000Z')
  assert.equal(lease.state.lease?.spec.acquireTime, '2026-01-01T00:00:00.000000Z')
})

test('a second elector waits while the first renews, and leads 15 s after its last renewal', async () => {
  const lease = await leaseApi()
  const first = elector(lease, 'a')
  await first.one.acquire()
  const second = elector(lease, 'b')
  let leads = false
  const acquiring = second.one.acquire().then(() => {
    leads = true
  })
  await pass([first, second], 30_000)
  assert.equal(leads, false)
  assert.equal(first.one.isLeader(), true)
  // Only the clock of the second elector advances, as if the first process were stopped.
  await pass([second], 12_000)
  assert.equal(leads, false, 'within the lease')
  await pass([second], 6_000)
  await acquiring
  assert.equal(lease.state.lease?.spec.holderIdentity, 'b')
  assert.equal(lease.state.lease?.spec.leaseTransitions, 1)
})

for (const hours of [-1, 1]) {
  test(`a wall clock that is ${hours} h off does not change the election`, async () => {
    const lease = await leaseApi()
    const first = elector(lease, 'a')
    await first.one.acquire()
    const second = elector(lease, 'b', new FakeClock(Date.UTC(2026, 0, 1, hours)))
    let leads = false
    const acquiring = second.one.acquire().then(() => {
      leads = true
    })
    await pass([first, second], 20_000)
    assert.equal(leads, false)
    await pass([second], 18_000)
    await acquiring
  })
}

test('a leader that was paused past its deadline sees that before any timer fires, and does not renew', async () => {
  const lease = await leaseApi()
  const { one, clock, lost } = elector(lease, 'a')
  await one.acquire()
  const calls = lease.api.calls.length
  clock.jump(11_000)
  assert.equal(one.isLeader(), false)
  await clock.advance(0)
  await eventually(() => assert.deepEqual(lost, ['a']))
  await consistently(() => assert.equal(lease.api.calls.length, calls), { timeoutMs: 50 })
})

test('leadership ends after ten seconds of failed renewals, before another elector may lead', async () => {
  const lease = await leaseApi()
  const { one, clock, lost } = elector(lease, 'a')
  await one.acquire()
  lease.state.broken = (response) => failure(response, 500, 'InternalError')
  await pass([{ clock, lost }], 9_500)
  assert.equal(one.isLeader(), true)
  await pass([{ clock, lost }], 1_000)
  assert.equal(one.isLeader(), false)
  await eventually(() => assert.deepEqual(lost, ['a']))
})

test('a request that hangs does not delay the end of leadership', async () => {
  const lease = await leaseApi()
  const { one, clock, lost } = elector(lease, 'a')
  await one.acquire()
  lease.state.broken = () => undefined
  const before = lease.api.calls.length
  await clock.advance(RETRY_MS)
  await eventually(() => assert.ok(lease.api.calls.length > before))
  await clock.advance(8_000)
  await eventually(() => assert.deepEqual(lost, ['a']), { timeoutMs: 1_000 })
})

test('leadership survives a short failure', async () => {
  const lease = await leaseApi()
  const { one, clock, lost } = elector(lease, 'a')
  await one.acquire()
  lease.state.broken = (response) => response.destroy()
  await pass([{ clock, lost }], 6_000)
  delete lease.state.broken
  await pass([{ clock, lost }], 20_000)
  assert.equal(one.isLeader(), true)
  assert.deepEqual(lost, [])
})

test('leadership is lost at once if another elector holds the lease', async () => {
  const lease = await leaseApi()
  const { one, clock, lost } = elector(lease, 'a')
  await one.acquire()
  const taken = lease.state.lease as Stored
  lease.state.lease = { metadata: { resourceVersion: '77' }, spec: { ...taken.spec, holderIdentity: 'thief' } }
  await pass([{ clock, lost }], 2_500)
  await eventually(() => assert.deepEqual(lost, ['a']))
  assert.equal(one.isLeader(), false)
})

test('only one of two simultaneous electors leads', async () => {
  const lease = await leaseApi()
  const both = [elector(lease, 'a'), elector(lease, 'b')]
  for (const { one } of both) one.acquire().catch(() => undefined)
  await pass(both, 6_000)
  assert.equal(both.filter(({ one }) => one.isLeader()).length, 1)
})

test('another elector leads at once after a release, and onLost is not called', async () => {
  const lease = await leaseApi()
  const first = elector(lease, 'a')
  await first.one.acquire()
  await first.one.release()
  assert.equal(lease.state.lease?.spec.holderIdentity, '')
  assert.equal(lease.state.lease?.spec.leaseDurationSeconds, 1)
  assert.deepEqual(first.lost, [])
  assert.equal(first.one.isLeader(), false)
  const second = elector(lease, 'b')
  await second.one.acquire()
  assert.equal(second.one.isLeader(), true)
})

test('an elector that does not lead does not change the lease when it stops', async () => {
  const lease = await leaseApi()
  const first = elector(lease, 'a')
  await first.one.acquire()
  const second = elector(lease, 'b')
  const acquiring = second.one.acquire()
  const refused = assert.rejects(acquiring, { name: 'AbortError' })
  await second.one.release()
  await refused
  assert.equal(lease.state.lease?.spec.holderIdentity, 'a')
})

test('inconsistent timing options are refused', () => {
  const options = { namespace: 'n', name: 'l', identity: 'a', log: silentLog, onLost: () => undefined }
  assert.throws(() => new LeaderElector({ ...options, renewDeadlineMs: 20_000 }), { code: 'INVALID_LEASE_TIMING' })
})
