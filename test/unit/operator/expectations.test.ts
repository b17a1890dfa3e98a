import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Expectations } from '../../../src/operator/expectations.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('a job is not reconciled before the watch has shown the objects that were created for it', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  const seen = new Set<string>()
  const waitMs = () => expectations.waitMs((name) => seen.has(name))
  assert.equal(waitMs(), 0)
  expectations.expect('a')
  await clock.advance(500)
  expectations.expect('b')
  assert.equal(waitMs(), 2000)
  seen.add('a')
  assert.equal(waitMs(), 2000)
  seen.add('b')
  assert.equal(waitMs(), 0)
  seen.clear()
  assert.equal(waitMs(), 0, 'an object that was seen once may disappear')
})

test('an object that the watch never shows delays the job by two seconds at most', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  expectations.expect('gone')
  await clock.advance(1999)
  assert.equal(
    expectations.waitMs(() => false),
    1,
  )
  await clock.advance(1)
  assert.equal(
    expectations.waitMs(() => false),
    0,
  )
})

test('a pause that the API server asked for is kept, up to 30 seconds', async () => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  const waitMs = () => expectations.waitMs(() => true)
  expectations.pause(2)
  assert.equal(waitMs(), 2000)
  await clock.advance(2000)
  assert.equal(waitMs(), 0)
  expectations.pause(86_400)
  assert.equal(waitMs(), 30_000)
})
