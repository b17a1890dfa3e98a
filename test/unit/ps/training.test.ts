import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { Failure } from '../../../src/contract/status.ts'
import { body, INCARNATION, makeConfig, makeTraining, push, variable, worker } from './fixtures.ts'

function withAsync(more: Partial<RuntimeConfig['async']>): RuntimeConfig {
  const config = makeConfig()
  return { ...config, async: { ...config.async, ...more } }
}

const ONE = body(-1, 0, 0, 0)

describe('a push', () => {
  test('is applied once, however often it is repeated', () => {
    const training = makeTraining()
    assert.equal(training.push(worker(0), push(1), ONE), 'applied')
    assert.equal(training.push(worker(0), push(1), ONE), 'duplicate')
    assert.equal(training.push(worker(0), push(2, { baseVersion: 1 }), ONE), 'applied')
    assert.equal(training.push(worker(0), push(1), ONE), 'duplicate', 'a late copy of an older one')
    assert.deepEqual([...training.shard.weights], [2, 0, 0, 0])
    assert.equal(training.version, 2)
    assert.deepEqual(training.counts, { applied: 2, duplicate: 2, stale: 0, nonfinite: 0, fenced: 0 })
  })

  test('is already in the table of pushes when a checkpoint of its step is taken', () => {
    const seen: unknown[] = []
    const onApplied = () => {
      const { version, workers } = training.capture()
      seen.push([version, workers.find(({ index }) => index === 0)])
    }
    const training = makeTraining(makeConfig(), [variable('w', 4)], { onApplied })
    training.push(worker(0), push(1), ONE)
    const row = { index: 0, podUid: 'pod-0', lastSeq: 1, lastResult: 'applied', contributed: true }
    assert.deepEqual(seen, [[1, row]])
  })

  test('computed on a version that the shard has not reached is not applied', () => {
    const training = makeTraining()
    assert.equal(training.push(worker(0), push(1, { baseVersion: 1 }), ONE), 'incarnation')
    assert.deepEqual([training.version, ...training.shard.weights], [0, 0, 0, 0, 0])
  })

  test('of one worker is independent of the sequence numbers of another', () => {
    const training = makeTraining()
    assert.equal(training.push(worker(0), push(1), ONE), 'applied')
    assert.equal(training.push(worker(1), push(1), ONE), 'applied')
  })

  test('staler than maxStaleness is refused, and refused again when repeated', () => {
    const training = makeTraining(withAsync({ maxStaleness: 1 }))
    for (const seq of [1, 2, 3]) training.push(worker(0), push(seq, { baseVersion: seq - 1 }), ONE)
    assert.equal(training.push(worker(1), push(1, { baseVersion: 1 }), ONE), 'stale')
    assert.equal(training.push(worker(1), push(1, { baseVersion: 1 }), ONE), 'stale')
    assert.equal(training.push(worker(1), push(2, { baseVersion: 2 }), ONE), 'applied', 'as stale as allowed')
    assert.equal(training.version, 4)
    assert.deepEqual(training.staleness.summary().max, 1)
  })

  test('is scaled down by its staleness with lrOverStaleness', () => {
    const training = makeTraining(withAsync({ policy: { type: 'lrOverStaleness' } }))
    for (const seq of [1, 2, 3, 4]) training.push(worker(0), push(seq, { baseVersion: seq - 1 }), body(0, 0, 0, 0))
    training.push(worker(1), push(1, { baseVersion: 0 }), ONE)
    assert.deepEqual([...training.shard.weights], [0.25, 0, 0, 0])
    training.push(worker(1), push(2, { baseVersion: 5 }), ONE)
    assert.deepEqual([...training.shard.weights], [1.25, 0, 0, 0], 'a push without staleness is not scaled')
  })

  test('is compensated for the changes since its pull with dcAsgd', () => {
    const training = makeTraining(withAsync({ policy: { type: 'dcAsgd', delayCompensation: 0.5 } }))
    training.notePull(worker(1))
    training.push(worker(0), push(1), body(-4, 0, 0, 0))
    assert.equal(training.push(worker(1), push(1), body(2, 1, 0, 0)), 'applied')
    // g + lambda g g (w - old) = 2 + 0.5 * 4 * (4 - 0) = 10 and 1 + 0.5 * 1 * 0 = 1
    assert.deepEqual([...training.shard.weights], [4 - 10, -1, 0, 0])
  })

  test('of a worker without a recorded pull is not compensated with dcAsgd', () => {
    const training = makeTraining(withAsync({ policy: { type: 'dcAsgd', delayCompensation: 0.5 } }))
    training.notePull(worker(1))
    training.push(worker(0), push(1), body(-4, 0, 0, 0))
    training.forget(worker(1))
    training.push(worker(1), push(1), body(2, 0, 0, 0))
    assert.equal(training.shard.weights[0], 2)
  })

  test('of several batches applies weight decay and the moving average once for each batch', () => {
    const variables = [
      variable('w', 1, { decay: true, init: { type: 'constant', value: 8 } }),
      variable('mean', 1, { kind: 'statistic' }),
    ]
    const training = makeTraining(makeConfig({ weightDecay: 0.125 }), variables)
    training.push(worker(0), push(1, { batches: 2 }), body(1, 4))
    // w: 8 - (1 + 2 * 0.125 * 8). mean: two averages with decay 0.5 move it from 0 to 2, then to 3.
    assert.deepEqual([...training.shard.weights], [5, 3])
    training.push(worker(0), push(2), body(0, 3))
    assert.deepEqual([...training.shard.weights], [5 - 0.125 * 5, 3])
  })

  test('uses the learning rate of the newest global step that any worker reported, on a shard other than 0', () => {
    const config = makeConfig({ learningRate: { type: 'piecewise', boundaries: [9], values: [1, 0.5] } })
    const training = makeTraining(config, undefined, { index: 1 })
    training.push(worker(0), push(1, { globalStep: 9 }), ONE)
    assert.equal(training.shard.weights[0], 1)
    training.push(worker(0), push(2, { globalStep: 10 }), ONE)
    assert.equal(training.shard.weights[0], 1.5)
    training.push(worker(1), push(1, { globalStep: 3 }), ONE)
    assert.equal(training.shard.weights[0], 2, 'an older global step does not restore the former rate')
  })

  test('is applied by a shard other than 0 until the coordinator ends the job', () => {
    const training = makeTraining(makeConfig({ maxSteps: 1 }), undefined, { index: 1 })
    for (const seq of [1, 2, 3]) assert.equal(training.push(worker(0), push(seq), ONE), 'applied')
    training.finished = true
    assert.equal(training.push(worker(0), push(4), ONE), 'done')
  })

  test('waits during warm start, unless it is worker 0', () => {
    const training = makeTraining(withAsync({ warmStartSteps: 2 }))
    assert.equal(training.push(worker(1), push(1), ONE), 'wait')
    for (const seq of [1, 2]) assert.equal(training.push(worker(0), push(seq), ONE), 'applied')
    assert.equal(training.mustWait(worker(1)), false)
    assert.equal(training.push(worker(1), push(1), ONE), 'applied', 'waiting does not use up the sequence number')
  })

  test('waits on every shard until worker 0 has pushed calibrated statistics, as a pull does', () => {
    for (const index of [0, 1]) {
      const config = makeConfig({ batchNorm: { decay: 0.5, epsilon: 1e-5, mode: 'calibrated' } })
      const training = makeTraining(config, [variable('w', 4)], { index })
      assert.deepEqual([training.mustWait(worker(0)), training.mustWait(worker(1))], [false, true])
      assert.equal(training.push(worker(1), push(1), ONE), 'wait')
      assert.equal(training.push(worker(0), push(1), ONE), 'applied')
      assert.equal(training.mustWait(worker(1)), false)
      assert.equal(training.push(worker(1), push(1, { baseVersion: 1 }), ONE), 'applied')
    }
  })

  test('computed on the weights of a former incarnation is not applied, and the worker has to pull', () => {
    const training = makeTraining()
    assert.equal(training.push(worker(0), push(1, { incarnation: INCARNATION + 1 }), ONE), 'incarnation')
    assert.deepEqual([...training.shard.weights], [0, 0, 0, 0])
  })

  test('after the last step changes nothing', () => {
    const training = makeTraining(makeConfig({ maxSteps: 1 }))
    training.push(worker(0), push(1), ONE)
    assert.equal(training.push(worker(0), push(2), ONE), 'done')
    assert.equal(training.push(worker(0), push(1), ONE), 'duplicate')
    assert.equal(training.shard.weights[0], 1)
  })

  test('of a pod that was replaced is fenced', () => {
    const training = makeTraining()
    training.workers.admit(worker(0, 'newer'), 0, () => true)
    assert.throws(() => training.push(worker(0), push(1), ONE), { code: 'FENCED' })
    assert.equal(training.push(worker(0, 'newer'), push(1), ONE), 'applied', 'its sequence numbers start again')
  })

  test('is applied in place, in the region that it was received into', () => {
    const training = makeTraining()
    const { shard } = training
    const region = shard.bodies.acquire(16)
    assert.ok(region)
    region.floats.set([-1, -2, -3, -4])
    region.finish()
    assert.equal(training.push(worker(0), push(1), region.bytes), 'applied')
    assert.equal(shard.incoming.byteOffset, region.position)
    assert.equal(shard.bodies.inUse, 2, 'besides that of the weights, no other region was needed')
    assert.deepEqual([...shard.weights], [1, 2, 3, 4])
    region.open(16).floats.set([1, Number.NaN, 1, 1])
    region.finish()
    assert.equal(training.push(worker(0), push(2), region.bytes), 'nonfinite')
  })

  test('of another length than the shard is refused', () => {
    assert.throws(() => makeTraining().push(worker(0), push(1), body(1, 2, 3)), { code: 'FRAME_BAD_BODY' })
  })
})

describe('gradients that are not finite', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e20])
    test(`are refused: ${bad}`, () => {
      const training = makeTraining()
      assert.equal(training.push(worker(0), push(1), body(0, 0, bad, 0)), 'nonfinite')
      assert.deepEqual([...training.shard.weights], [0, 0, 0, 0])
      assert.equal(training.version, 0)
    })

  test('end the job after maxNonFinite in a row; a finite one in between resets the count', () => {
    const failures: Failure[] = []
    const options = { onFailure: (failure: Failure) => void failures.push(failure) }
    const training = makeTraining(makeConfig(), [variable('w', 1)], options)
    const send = (seq: number, value: number) => training.push(worker(0), push(seq), body(value))
    for (const seq of [1, 2]) send(seq, Number.NaN)
    send(3, 1)
    for (const seq of [4, 5]) send(seq, Number.NaN)
    assert.equal(failures.length, 0)
    training.assertAlive()
    send(6, Number.NaN)
    send(7, Number.NaN)
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['NON_FINITE'],
    )
    assert.match(failures[0]?.message ?? '', /3 pushes in a row.*worker 0.*lower the learning rate/)
    assert.throws(() => training.assertAlive(), { code: 'NON_FINITE' })
  })
})

describe('an update', () => {
  test('moves each variable by the learning rate times the multiplier of the variable', () => {
    const variables = [variable('a', 1), variable('b', 1, { learningRateMultiplier: 10 }), variable('c', 1)]
    const training = makeTraining(makeConfig({ learningRate: { type: 'constant', initial: 0.5 } }), variables)
    training.push(worker(0), push(1), body(-1, -1, -1))
    assert.deepEqual([...training.shard.weights], [0.5, 5, 0.5])
  })

  test('decays only the variables with decay set', () => {
    const variables = [
      variable('kernel', 1, { decay: true, init: { type: 'constant', value: 2 } }),
      variable('bias', 1, { init: { type: 'constant', value: 2 } }),
    ]
    const training = makeTraining(makeConfig({ weightDecay: 0.25 }), variables)
    training.push(worker(0), push(1), body(0, 0))
    const order = training.shard.layout.entries.map(({ name }) => name)
    assert.deepEqual(Object.fromEntries(order.map((name, i) => [name, training.shard.weights[i]])), {
      kernel: 1.5,
      bias: 2,
    })
  })

  test('averages batch statistics, and does not change frozen variables', () => {
    const variables = [
      variable('w', 1),
      variable('mean', 1, { kind: 'statistic', init: { type: 'constant', value: 4 } }),
      variable('fixed', 1, { kind: 'frozen', init: { type: 'ones' } }),
    ]
    const training = makeTraining(makeConfig(), variables)
    training.push(worker(0), push(1), body(-1, 8))
    assert.deepEqual([...training.shard.weights], [1, 6, 1])
  })

  test('keeps the statistics of the first push when they are calibrated', () => {
    const config = makeConfig({ batchNorm: { decay: 0.5, epsilon: 1e-5, mode: 'calibrated' } })
    const training = makeTraining(config, [variable('w', 1), variable('mean', 1, { kind: 'statistic' })])
    training.push(worker(0), push(1), body(0, 7))
    assert.deepEqual([...training.shard.weights], [0, 7])
    training.push(worker(0), push(2, { baseVersion: 1 }), body(0, 9))
    assert.deepEqual([...training.shard.weights], [0, 7])
  })

  test('uses the learning rate of the step that it completes', () => {
    const learningRate = { type: 'piecewise' as const, boundaries: [0], values: [1, 0.5] }
    const training = makeTraining(makeConfig({ learningRate }))
    for (const seq of [1, 2]) training.push(worker(0), push(seq), ONE)
    assert.equal(training.shard.weights[0], 1.5)
  })
})
