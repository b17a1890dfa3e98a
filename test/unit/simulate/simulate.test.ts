/** The simulator beside what queueing theory and arithmetic say. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { simulate } from '../../../src/simulate/simulate.ts'
import { near, scenario } from './scenarios.ts'

const MB = 1e6

suite('one worker', () => {
  test('takes the seconds of compute and of its exchange for a step', () => {
    const server = { pullSeconds: 0.1, receiveSeconds: 0.2, applySeconds: 0.3 }
    const { stepsPerSecond, step, staleness, busy } = simulate(scenario({ servers: [server] }))
    near(stepsPerSecond, 1 / 1.6)
    near(step.compute, 1)
    near(step.pull, 0.1)
    near(step.push, 0.5)
    assert.deepEqual(staleness, { mean: 0, p99: 0, max: 0 })
    near(busy.serverThread, 0.6 / 1.6)
  })

  test('waits for each message and each byte of the network', () => {
    const network = { bytesPerSecond: 10 * MB, latencySeconds: 0.05 }
    const { step } = simulate(scenario({ network, servers: [{ pullBytes: 2 * MB, pushBytes: MB }] }))
    near(step.pull, 0.2 + 2 * 0.05)
    near(step.push, 0.1 + 2 * 0.05)
  })

  test('handles bytes while they arrive: the slower of network and thread counts', () => {
    const network = { bytesPerSecond: 10 * MB, latencySeconds: 0 }
    const push = (receiveSeconds: number) =>
      simulate(scenario({ network, servers: [{ pushBytes: MB, receiveSeconds }] })).step.push
    near(push(0.03), 0.1)
    near(push(0.7), 0.7)
  })

  test('handles no byte before the first has arrived', () => {
    const network = { bytesPerSecond: 1e18, latencySeconds: 0.05 }
    near(simulate(scenario({ network, servers: [{ receiveSeconds: 0.7 }] })).step.push, 0.7 + 2 * 0.05)
  })

  test('pulls from parameter server 0, then from the others side by side, and pushes to all side by side', () => {
    const server = { pullSeconds: 0.1, applySeconds: 0.2 }
    const { step } = simulate(scenario({ servers: [server, server, server] }))
    near(step.pull, 0.2)
    near(step.push, 0.2)
  })

  test('prepares its pushes one after another, because it has one thread', () => {
    const servers = Array.from({ length: 4 }, () => ({ pushBytes: MB }))
    const { step } = simulate(scenario({ servers, worker: { sendSecondsPerByte: 0.1 / MB } }))
    near(step.push, 0.4)
  })

  test('computes until the slowest of its processes has, then adds their gradients', () => {
    near(simulate(scenario({ worker: { processes: 8, sharingSeconds: 0.25 } })).step.compute, 1.25)
    const computeSeconds = { mean: 1, variation: 0.3 }
    const steps = (processes: number) => simulate(scenario({ worker: { computeSeconds, processes } })).step.compute
    const [one, eight] = [steps(1), steps(8)]
    assert.ok(eight > 1.2 * one, `${eight}, of one process ${one}`)
  })

  test('does not wait for input that is faster than its steps, and takes its time otherwise', () => {
    near(simulate(scenario({ worker: { inputSeconds: 0.9 } })).stepsPerSecond, 1)
    const slow = simulate(scenario({ worker: { inputSeconds: 1.5 } }))
    near(slow.stepsPerSecond, 1 / 1.5)
    near(slow.step.input, 0.5)
  })

  test('pulls every fetchEvery steps and pushes every pushEvery steps', () => {
    const server = { pullSeconds: 0.6, applySeconds: 0.4 }
    near(simulate(scenario({ servers: [server], worker: { fetchEvery: 3 } })).stepsPerSecond, 3 / 4.8, 1e-3)
    const rare = simulate(scenario({ servers: [server], worker: { fetchEvery: 2, pushEvery: 4 } }))
    // The second pull finds the weights unchanged, because the worker has pushed nothing since the first.
    near(rare.stepsPerSecond, 1 / (4 + 0.6 + 0.4), 1e-3)
  })

  test('with prefetch pushes and then pulls while it computes, so its weights lack its last push', () => {
    const server = { pullSeconds: 0.6, receiveSeconds: 0.1, applySeconds: 0.2 }
    const { stepsPerSecond, step, staleness } = simulate(scenario({ servers: [server], worker: { prefetch: true } }))
    near(stepsPerSecond, 1)
    assert.deepEqual([step.pull, step.push], [0, 0])
    assert.deepEqual(staleness, { mean: 1, p99: 1, max: 1 })
  })

  test('with prefetch waits for an exchange that takes longer than computing', () => {
    const server = { pullSeconds: 1.6, applySeconds: 0.4 }
    const { stepsPerSecond, step } = simulate(scenario({ servers: [server], worker: { prefetch: true } }))
    near(stepsPerSecond, 1 / 2)
    near(step.pull, 1)
  })

  test('with prefetch has the same work for server and network', () => {
    const server = { pullSeconds: 0.2, pullBytes: MB, pushBytes: MB }
    const worker = { fetchEvery: 2, pushEvery: 2 }
    const network = { bytesPerSecond: 100 * MB, latencySeconds: 0 }
    const [off, on] = [false, true].map((prefetch) =>
      simulate(scenario({ servers: [server], network, worker: { ...worker, prefetch } })),
    )
    const perStep = (outcome: typeof off) => (outcome?.busy.serverReceives ?? 0) / (outcome?.stepsPerSecond ?? 0)
    near(perStep(on), perStep(off), 0.02)
  })

  test('with prefetch pulls again after a push that was refused', () => {
    const worker = { prefetch: true, fetchEvery: 1000, maxStaleness: 3 }
    const { staleness, refusedShare } = simulate(scenario({ worker }))
    assert.equal(staleness.max, 3)
    // Of six pushes: the fifth gradient of a pull is refused, and the sixth, whose step had begun.
    near(refusedShare, 2 / 6, 0.02)
  })
})

suite('many workers', () => {
  test('train as fast as so many single ones while the server is idle most of the time', () => {
    const { stepsPerSecond } = simulate(scenario({ workers: 50, servers: [{ applySeconds: 1e-6 }] }))
    near(stepsPerSecond, 50, 1e-3)
  })

  test('have a staleness of their number less one', () => {
    for (const workers of [2, 8, 50]) {
      const { staleness } = simulate(scenario({ workers }))
      assert.deepEqual(staleness, { mean: workers - 1, p99: workers - 1, max: workers - 1 })
    }
  })

  test('with prefetch have a staleness of their number, because they pull late', () => {
    for (const workers of [2, 8, 50]) {
      const { staleness, stepsPerSecond } = simulate(scenario({ workers, worker: { prefetch: true } }))
      assert.deepEqual(staleness, { mean: workers, p99: workers, max: workers })
      near(stepsPerSecond, workers, 0.02)
    }
  })

  test('with prefetch have twice the staleness where they must pull at the beginning of a step', () => {
    const worker = { prefetch: true, receiveSecondsPerByte: 0.5 / MB }
    const { staleness, stepsPerSecond } = simulate(scenario({ workers: 8, worker, servers: [{ pullBytes: MB }] }))
    near(stepsPerSecond, 8, 0.02)
    near(staleness.mean, 2 * 8 - 1)
  })

  test('whose pushes sum up several gradients count the staleness from the oldest of them', () => {
    assert.deepEqual(simulate(scenario({ workers: 8, worker: { pushEvery: 4 } })).staleness, {
      mean: 7,
      p99: 7,
      max: 7,
    })
  })

  test('have the same mean staleness, and a tail, when their times vary', () => {
    const worker = { computeSeconds: { mean: 1, variation: 0.3 } }
    const { mean, p99 } = simulate(scenario({ workers: 20, worker })).staleness
    near(mean, 19, 0.02)
    assert.ok(p99 > 25, `p99 is ${p99}`)
  })

  test('fill a server, which then takes its seconds for each step', () => {
    const server = { pullSeconds: 0.02, receiveSeconds: 0.03, applySeconds: 0.05 }
    const { stepsPerSecond, busy } = simulate(scenario({ workers: 50, servers: [server] }))
    near(stepsPerSecond, 10, 0.01)
    near(busy.serverThread, 1)
  })

  test('fill the network of a server, in the direction of the larger body', () => {
    const network = { bytesPerSecond: 10 * MB, latencySeconds: 0 }
    const servers = [{ pullBytes: 2 * MB, pushBytes: MB }]
    const { stepsPerSecond, busy } = simulate(scenario({ workers: 50, network, servers }))
    near(stepsPerSecond, 5)
    near(busy.serverSends, 1)
    near(busy.serverReceives, 0.5, 0.05)
  })

  test('are limited by the slowest parameter server', () => {
    const servers = [{ receiveSeconds: 0.01 }, { receiveSeconds: 0.1 }]
    near(simulate(scenario({ workers: 50, servers })).stepsPerSecond, 10, 0.05)
  })

  test('wait for the server as in an M/D/1 queue, when there are so many that arrivals are random', () => {
    const [workers, share, service] = [400, 0.6, 0.01]
    const worker = { computeSeconds: { mean: (workers * service) / share, variation: 1 } }
    const { step, busy } = simulate(scenario({ workers, worker, servers: [{ applySeconds: service }] }))
    const rho = busy.serverThread
    near(rho, share, 0.05)
    const waiting = step.push - service
    near(waiting, (rho * service) / (2 * (1 - rho)), 0.15)
  })

  test('whose pushes are too stale are refused, pull again and compute again', () => {
    const worker = { computeSeconds: { mean: 1, variation: 0.3 }, maxStaleness: 5 }
    const { staleness, refusedShare, stepsPerSecond } = simulate(scenario({ workers: 20, worker }))
    assert.ok(staleness.max <= 5)
    assert.ok(refusedShare > 0.3, `refused ${refusedShare}`)
    near(stepsPerSecond, 20 * (1 - refusedShare), 0.1)
  })
})

suite('a checkpoint', () => {
  const checkpoint = { bytes: 1000 * MB, copySeconds: 0.5, hashSecondsPerByte: 0 }

  test('is written at the rate of the disk that all servers share, after the copy', () => {
    const servers = [{ checkpoint }, { checkpoint }]
    const { measured } = simulate(scenario({ servers, diskBytesPerSecond: 500 * MB }), { withCheckpoint: true })
    near(measured.checkpointSeconds, 0.5 + 4)
  })

  test('costs a full server the seconds of its copy and of its hash', () => {
    const slow = { bytes: 40 * MB, copySeconds: 20, hashSecondsPerByte: 10 / (40 * MB) }
    const full = scenario({ workers: 50, servers: [{ receiveSeconds: 0.1, checkpoint: slow }] })
    const { measured } = simulate(full, { withCheckpoint: true })
    near(measured.seconds - measured.steps / simulate(full).stepsPerSecond, 30, 0.1)
  })

  test('costs nothing but its copy where the server has time', () => {
    const { measured } = simulate(scenario({ servers: [{ checkpoint }] }), { withCheckpoint: true })
    assert.ok(measured.seconds - measured.steps <= 0.5 + 1e-6)
  })
})

test('the same seed gives the same outcome, another seed another one', () => {
  const varied = (seed: number) =>
    simulate(scenario({ workers: 8, worker: { computeSeconds: { mean: 1, variation: 0.3 } }, seed }))
  assert.deepEqual(varied(1), varied(1))
  assert.notEqual(varied(1).stepsPerSecond, varied(2).stepsPerSecond)
})
