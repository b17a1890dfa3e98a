import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Expectations } from '../../../src/operator/expectations.ts'
import { FakeClock } from '../../support/fake-clock.ts'

test('a job is not looked at before the watch has shown what was made for it', async () => {
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
  assert.equal(waitMs(), 0, 'what was seen once may go')
})

test('one that is never shown is waited for no longer than two seconds', async () => {
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

test('a pause that the API server asked for is kept, and is not for ever', async () => {
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
