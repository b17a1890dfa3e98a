import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WeightCopies } from '../../../src/ps/weight-copies.ts'
import { checksumOf } from '../../../src/wire/scan.ts'
import { body, makeTraining, push, worker } from './fixtures.ts'

const ONE = body(-1, 0, 0, 0)

test('pulls of one version share a copy, and others get another', async () => {
  const [training, copies] = [makeTraining(), new WeightCopies()]
  const [first, second] = [await copies.take(training), await copies.take(training)]
  assert.equal(first, second)
  training.push(worker(0), push(1), ONE)
  const third = await copies.take(training)
  assert.deepEqual([first.version, third.version], [0, 1])
  assert.deepEqual([...first.body.floats], [0, 0, 0, 0], 'a push does not change what is being sent')
  assert.deepEqual([...third.body.floats], [1, 0, 0, 0])
  assert.deepEqual(
    [first, third].map((copy) => copy.body.checksum),
    [first, third].map((copy) => checksumOf(copy.body.bytes)),
  )
})

test('a copy is given back when its last pull has been sent, and is not shared afterwards', async () => {
  const [training, copies] = [makeTraining(), new WeightCopies()]
  const { bodies } = training.shard
  const copy = await copies.take(training)
  await copies.take(training)
  copies.release(copy, training)
  assert.equal(bodies.inUse, 1)
  copies.release(copy, training)
  assert.equal(bodies.inUse, 0)
  assert.notEqual(await copies.take(training), copy)
})

test('pulls that wait for room share the copy that the first of them makes, of the version of that moment', async () => {
  const [training, copies] = [makeTraining(), new WeightCopies()]
  const { bodies } = training.shard
  const full = []
  for (let region = bodies.acquire(16); region; region = bodies.acquire(16)) full.push(region)
  const waiting = [copies.take(training), copies.take(training)]
  const [region, another] = full
  assert.ok(region && another)
  bodies.release(region.bytes)
  bodies.release(another.bytes)
  const [first, second] = await Promise.all(waiting)
  assert.equal(first, second)
  assert.equal(bodies.waiting, 0)
  assert.equal(bodies.inUse, full.length - 1, 'the second region is free again')
})
