import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Expectations } from '../../../src/operator/expectations.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('a job is not looked at before the watch has shown what was made for it', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  const seen = new Set<string>()
  const waitMs = (key = 'job') => expectations.waitMs(key, (name) => seen.has(name))
  assert.equal(waitMs(), 0)
  expectations.expect('job', 'a')
  await clock.advance(500)
  expectations.expect('job', 'b')
  assert.deepEqual([waitMs(), waitMs('another')], [2000, 0])
  seen.add('a')
  assert.equal(waitMs(), 2000)
  seen.add('b')
  assert.equal(waitMs(), 0)
  seen.clear()
  assert.equal(waitMs(), 0, 'what was seen once may go')
})

test('one that is never shown is waited for no longer than two seconds', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  expectations.expect('job', 'gone')
  await clock.advance(1999)
  assert.equal(
    expectations.waitMs('job', () => false),
    1,
  )
  await clock.advance(1)
  assert.equal(
    expectations.waitMs('job', () => false),
    0,
  )
  expectations.expect('job', 'again')
  expectations.forget('job')
  assert.equal(
    expectations.waitMs('job', () => false),
    0,
  )
})

test('a pause that the API server asked for is kept, and is not for ever', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  const waitMs = () => expectations.waitMs('job', () => true)
  expectations.pause('job', 2)
  assert.equal(waitMs(), 2000)
  await clock.advance(2000)
  assert.equal(waitMs(), 0)
  expectations.pause('job', 86_400)
  assert.equal(waitMs(), 30_000)
})
