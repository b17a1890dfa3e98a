import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { checksumOf } from '../../../src/wire/scan.ts'
import { body, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

const ONE = body(-1, 0, 0, 0)

describe('weights that a pull sends', () => {
  test('are those of its moment: an update writes the next ones elsewhere, and pulls of one version share them', async () => {
    const training = makeTraining()
    const { versions } = training.shard
    const [first, second] = [await versions.lend(training), await versions.lend(training)]
    assert.equal(first, second)
    assert.equal(training.push(worker(0), push(1), ONE), 'applied')
    const third = await versions.lend(training)
    assert.deepEqual([first.version, third.version], [0, 1])
    assert.deepEqual([...first.body.floats], [0, 0, 0, 0], 'an update does not change what is being sent')
    assert.deepEqual([...third.body.floats], [1, 0, 0, 0])
    assert.deepEqual([...training.shard.weights], [1, 0, 0, 0])
  })

  test('are not copied: without an update meanwhile the next one is made in place', async () => {
    const training = makeTraining()
    const { versions, bodies } = training.shard
    const { position } = versions.present
    const lent = await versions.lend(training)
    assert.equal(lent.body.position, position)
    versions.giveBack(lent)
    training.push(worker(0), push(1), ONE)
    assert.equal(versions.present.position, position)
    assert.equal(bodies.inUse, 2, 'the weights and the body of a push')
  })

  test('keep their region until their last pull has been sent', async () => {
    const training = makeTraining()
    const { versions, bodies } = training.shard
    const lent = await versions.lend(training)
    await versions.lend(training)
    training.push(worker(0), push(1), ONE)
    const busy = bodies.inUse
    versions.giveBack(lent)
    assert.equal(bodies.inUse, busy)
    versions.giveBack(lent)
    assert.equal(bodies.inUse, busy - 1)
    assert.equal(bodies.holding(lent.body.bytes), undefined)
    assert.notEqual(await versions.lend(training), lent)
  })

  test('wait until there is room for the weights of an update, and are then those of that moment', async () => {
    const training = makeTraining()
    const { versions, bodies } = training.shard
    training.push(worker(0), push(1), ONE)
    const full = []
    for (let region = bodies.acquire(16); region; region = bodies.acquire(16)) full.push(region)
    const waiting = [versions.lend(training), versions.lend(training)]
    assert.equal(bodies.waiting, 2)
    training.push(worker(0), push(2, { baseVersion: 1 }), ONE)
    const [region, another] = full
    assert.ok(region && another)
    bodies.release(region.bytes)
    bodies.release(another.bytes)
    const [first, second] = await Promise.all(waiting)
    assert.equal(first, second)
    assert.equal(first?.version, 2)
    assert.equal(bodies.waiting, 0)
    assert.equal(bodies.inUse, full.length + 1, 'the second region is free again')
  })
})

test('a push that a released region lets in while weights are being lent does not change them', async () => {
  const training = makeTraining()
  const { versions, bodies } = training.shard
  const received = bodies.acquire(16)
  received?.bytes.set(ONE)
  received?.finish()
  const full = []
  for (let region = bodies.acquire(16); region; region = bodies.acquire(16)) full.push(region)
  const waiting = [versions.lend(training), versions.lend(training)]
  const [region, another] = full
  assert.ok(received && region && another)
  bodies.release(region.bytes)
  bodies.release(another.bytes)
  bodies.onRoom = () => {
    bodies.onRoom = () => {}
    assert.equal(training.push(worker(0), push(1), received.bytes), 'applied')
  }
  const [first, second] = await Promise.all(waiting)
  assert.equal(first, second)
  assert.deepEqual([first?.version, first?.readers, training.version], [0, 2, 1])
  assert.deepEqual([...(first?.body.floats ?? [])], [0, 0, 0, 0])
})

/** Trainable weights, statistics, and frozen weights with a value that arithmetic would flush to zero. */
const VARIABLES = [
  variable('a', 3, { init: { type: 'constant', value: 0.5 } }),
  variable('b', 6, { decay: true, learningRateMultiplier: 2, init: { type: 'constant', value: 1 } }),
  variable('mean', 5, { kind: 'statistic' }),
  variable('frozen', 7, { kind: 'frozen', init: { type: 'constant', value: 2 ** -140 } }),
]
const PUSHED = 14

/** What happens between two updates. */
const event = fc.oneof(
  fc.record({
    type: fc.constant('push' as const),
    values: fc.array(fc.float({ noNaN: true, min: -9, max: 9 }), { minLength: PUSHED, maxLength: PUSHED }),
  }),
  fc.record({ type: fc.constant('pull' as const) }),
  fc.record({ type: fc.constant('sent' as const), which: fc.nat() }),
)

test('whatever pulls are under way, weights are those of updates in place, with their checksum', async () => {
  for (const mode of ['trained', 'calibrated'] as const)
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const config = makeConfig({
          optimizer: { type: 'rmsprop', decay: 0.9, momentum: 0.9, epsilon: 1 },
          weightDecay: 0.1,
          batchNorm: { decay: 0.5, epsilon: 1e-5, mode },
        })
        const [training, reference] = [makeTraining(config, VARIABLES), makeTraining(config, VARIABLES)]
        const { versions } = training.shard
        const underWay: { lent: Awaited<ReturnType<typeof versions.lend>>; weights: number[]; version: number }[] = []
        const check = ({ lent, weights, version }: (typeof underWay)[number]) => {
          assert.deepEqual([...lent.body.floats], weights)
          assert.deepEqual([lent.version, lent.body.checksum], [version, checksumOf(lent.body.bytes)])
        }
        for (const event of events)
          if (event.type === 'push') {
            const { version } = training
            const one = push(version + 1, { baseVersion: version })
            for (const side of [training, reference]) side.push(worker(0), one, body(...event.values))
            assert.deepEqual([...training.shard.weights], [...reference.shard.weights])
          } else if (event.type === 'pull') {
            const { version } = training
            underWay.push({ lent: await versions.lend(training), weights: [...reference.shard.weights], version })
          } else
            for (const one of underWay.splice(event.which % (underWay.length + 1), 1)) {
              check(one)
              versions.giveBack(one.lent)
            }
        for (const one of underWay) check(one)
      }),
    )
})
