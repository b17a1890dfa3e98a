import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attendance } from '../../../src/ps/attendance.ts'
import type { Peer } from '../../../src/ps/peer.ts'
import type { Channel } from '../../../src/wire/channel.ts'
import { consistently, eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const ABSENCE_MS = 40

function peer(role: Peer['role'], index: number, podUid: string, alive = true): Peer {
  return { role, who: { index, podUid }, dataUnits: 1, channel: { alive } as Channel }
}

function attend() {
  const gone: string[] = []
  const clock = new FakeClock()
  return { gone, clock, attendance: new Attendance(clock, ABSENCE_MS, (podUid) => void gone.push(podUid)) }
}

test('a worker that disconnected counts as present for a while, then as gone', async () => {
  const { attendance, gone } = attend()
  const worker = peer('worker', 3, 'a')
  attendance.join(worker)
  assert.equal(attendance.connectedWorkers, 1)
  attendance.leave(worker.channel)
  assert.deepEqual([attendance.connectedWorkers, attendance.isThere('a'), gone], [0, true, []])
  await eventually(() => assert.deepEqual(gone, ['a']))
  assert.equal(attendance.isThere('a'), false)
})

test('a worker that reconnects in time, over any connection, is not gone', async () => {
  const { attendance, gone } = attend()
  const [first, second] = [peer('worker', 3, 'a'), peer('worker', 3, 'a')]
  attendance.join(first)
  attendance.join(second)
  attendance.leave(first.channel)
  attendance.leave(second.channel)
  attendance.join(peer('worker', 3, 'a'))
  await consistently(() => assert.deepEqual(gone, []), { timeoutMs: 3 * ABSENCE_MS })
})

test('a worker whose new connection died while it was admitted is still away', async () => {
  const { attendance, gone } = attend()
  const worker = peer('worker', 3, 'a')
  attendance.join(worker)
  attendance.leave(worker.channel)
  attendance.join(peer('worker', 3, 'a', false))
  await eventually(() => assert.deepEqual(gone, ['a']))
})

test('a worker that left with a goodbye message, or was dismissed, is gone at once', () => {
  const { attendance } = attend()
  for (const podUid of ['left', 'dismissed']) {
    const worker = peer('worker', 3, podUid)
    attendance.join(worker)
    if (podUid === 'left') worker.saidGoodbye = true
    attendance.leave(worker.channel)
    attendance.dismiss('dismissed')
    assert.equal(attendance.isThere(podUid), false)
  }
})

test('the absence of the coordinator is measured from the loss of its last connection', async () => {
  const { attendance, clock } = attend()
  assert.equal(attendance.coordinatorAwayMs, Number.POSITIVE_INFINITY)
  const [first, second] = [peer('coordinator', 0, 'ps-0'), peer('coordinator', 0, 'ps-0')]
  attendance.join(first)
  attendance.join(second)
  await clock.advance(1000)
  attendance.leave(first.channel)
  assert.equal(attendance.coordinatorAwayMs, 0)
  attendance.leave(second.channel)
  await clock.advance(700)
  assert.equal(attendance.coordinatorAwayMs, 700)
})
