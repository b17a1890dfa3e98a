import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type JobScenarioOptions, jobScenario } from '../../../src/simulate/job-scenario.ts'
import { podMemory, totalBytes } from '../../../src/simulate/memory.ts'
import type { ServerWork } from '../../../src/simulate/scenario.ts'
import { COSTS, JOB, LAYOUT } from './costs.ts'
import { near } from './scenarios.ts'

const MB = 1e6
const options: JobScenarioOptions = {
  job: JOB,
  layout: LAYOUT,
  slots: 1,
  costs: COSTS,
  computeSeconds: { mean: 1, variation: 0 },
  inputPixels: 250_000,
  serverCores: 1,
}
const work = (more: Partial<JobScenarioOptions> = {}, parameterServers = 1) =>
  jobScenario({ ...options, ...more }, { workers: 3, parameterServers }).servers as readonly [ServerWork]
const compressed = (compression: 'bf16' | 'int8') => ({ job: { ...JOB, async: { ...JOB.async, compression } } })
const withPolicy = {
  job: { ...JOB, async: { ...JOB.async, policy: { type: 'dcAsgd', delayCompensation: 0.04 } } },
} as const

suite('the work of a parameter server', () => {
  test('is that of its bytes: all variables in a pull, gradients and statistics in a push', () => {
    const [server] = work()
    assert.equal(server.pullBytes, 16 * MB)
    assert.equal(server.pushBytes, 12 * MB)
    near(server.pullSeconds, 1e-3 + 2 * 0.016)
    near(server.receiveSeconds, 0.012)
    near(server.applySeconds, 1e-3 + 2 * 0.008)
    near(server.unchangedSeconds, 1e-3)
  })

  test('is divided among the parameter servers, but for the requests', () => {
    const [first, second] = work({}, 2) as unknown as [ServerWork, ServerWork]
    assert.equal(first.pullBytes + second.pullBytes, 16 * MB)
    near(first.pullSeconds + second.pullSeconds, 2 * 1e-3 + 2 * 0.016)
  })

  test('takes longer with less of a core', () => {
    const [whole, quarter] = [work()[0], work({ serverCores: 0.25 })[0]]
    near(quarter.pullSeconds, 4 * whole.pullSeconds)
    near(quarter.receiveSeconds, 4 * whole.receiveSeconds)
    near(quarter.applySeconds, 4 * whole.applySeconds)
    near(quarter.checkpoint.copySeconds, 4 * whole.checkpoint.copySeconds)
  })

  test('includes a copy for each pull and another pass for each push with delay compensation', () => {
    const [plain, compensating] = [work()[0], work(withPolicy)[0]]
    near(compensating.pullSeconds - plain.pullSeconds, 0.5 * 0.008)
    near(compensating.applySeconds - plain.applySeconds, (0.5 + 2) * 0.008)
  })

  test('has fewer bytes and a copy for each push with compression; weights and statistics are as before', () => {
    const [plain, half, bytes] = [work()[0], work(compressed('bf16'))[0], work(compressed('int8'))[0]]
    assert.equal(half.pushBytes, (4 + 4) * MB)
    assert.equal(bytes.pushBytes, (2 + 4) * MB + 4 * Math.ceil((2 * MB) / 256))
    assert.deepEqual([half.pullBytes, bytes.pullBytes], [plain.pullBytes, plain.pullBytes])
    near(half.receiveSeconds, 0.008)
    near(half.applySeconds - plain.applySeconds, 0.5 * 0.008)
  })

  test('for a checkpoint covers weights and slots', () => {
    const { checkpoint } = work()[0]
    assert.equal(checkpoint.bytes, (16 + 8) * MB)
    near(checkpoint.copySeconds, 0.5 * 0.024)
  })
})

test('the work of a worker comes from its batch and its fields of async', () => {
  const job = { ...JOB, async: { ...JOB.async, fetchEvery: 2, pushEvery: 3, prefetch: true, maxStaleness: 7 } }
  const { worker, workers } = jobScenario({ ...options, job }, { workers: 3, parameterServers: 1 })
  assert.equal(workers, 3)
  near(worker.inputSeconds, 10 * (0.01 + 0.025))
  near(worker.sendSecondsPerByte, 0.25e-9)
  assert.deepEqual([worker.fetchEvery, worker.pushEvery, worker.prefetch, worker.maxStaleness], [2, 3, true, 7])
})

test('a worker needs as long to compress a push as to send the rest of it', () => {
  const [plain, half] = [options, { ...options, ...compressed('bf16') }].map((one) => {
    const { worker, servers } = jobScenario(one, { workers: 3, parameterServers: 1 })
    return worker.sendSecondsPerByte * (servers[0]?.pushBytes ?? 0)
  })
  near(half as number, plain as number)
})

test('processes of a worker share weights and gradients by copies, and push once', () => {
  const workOf = (processes: number, fetchEvery = 1) => {
    const job = { ...JOB, async: { ...JOB.async, fetchEvery } }
    return jobScenario({ ...options, job, processes }, { workers: 3, parameterServers: 1 })
  }
  const [one, eight] = [workOf(1), workOf(8)]
  assert.deepEqual(eight.servers, one.servers)
  assert.deepEqual([one.worker.sharingSeconds, eight.worker.processes], [0, 8])
  near(eight.worker.sharingSeconds, 0.5 * (2 * 0.016 + 4 * 0.012))
  near(workOf(8, 4).worker.sharingSeconds, 0.5 * (0.5 * 0.016 + 4 * 0.012))
})

suite('memory', () => {
  const sizes = {
    parameterServers: 1,
    workers: 3,
    peakBodyBytes: 5 * MB,
    bodyLimitBytes: 1e9,
    activations: 1e6,
    pixels: 100,
  }

  test('of a parameter server is its arrays twice for a checkpoint, the gradients and the bodies under way', () => {
    const { server } = podMemory({ ...options, ...sizes })
    const expected = {
      process: 1e8,
      state: 24 * MB,
      gradients: 12 * MB,
      policy: 0,
      'checkpoint copy': 24 * MB,
      bodies: 5 * MB,
    }
    assert.deepEqual(server, expected)
    assert.equal(totalBytes(server), 165 * MB)
  })

  test('of a parameter server has no more bodies than it allows', () => {
    assert.equal(podMemory({ ...options, ...sizes, bodyLimitBytes: MB }).server.bodies, MB)
  })

  test('of a parameter server with delay compensation has the weights of each worker', () => {
    assert.equal(podMemory({ ...options, ...withPolicy, ...sizes }).server.policy, 4 * 8 * MB)
  })

  test('of a worker has weights and gradients of the whole model, batches and activations, however many servers', () => {
    const [one, four] = [1, 4].map((parameterServers) => podMemory({ ...options, ...sizes, parameterServers }).worker)
    assert.deepEqual(one, four)
    assert.equal(one?.weights, 2 * 16 * MB)
    assert.equal(one?.gradients, (2 * 8 + 12) * MB)
    assert.equal(one?.activations, 10 * 4e6)
  })

  test('of a worker with several processes has all of them, the one that exchanges, and what they share', () => {
    const [one, four] = [1, 4].map((processes) => podMemory({ ...options, ...sizes, processes }).worker)
    assert.equal(one?.['shared memory'], 0)
    assert.equal(four?.['shared memory'], (16 + 4 * 12) * MB)
    assert.equal(four?.process, 5 * 2e8)
    assert.equal(four?.weights, (1 + 4 * 2) * 16 * MB)
    assert.equal(four?.gradients, (4 * 2 * 8 + 12) * MB)
    for (const part of ['batches', 'pictures', 'activations'] as const)
      assert.equal(four?.[part], 4 * (one?.[part] ?? 0))
  })

  test('of a worker that prefetches has one more array of weights, and one more body of a push', () => {
    const job = { ...JOB, async: { ...JOB.async, prefetch: true } }
    const { weights, gradients } = podMemory({ ...options, job, ...sizes }).worker
    assert.equal(weights, 3 * 16 * MB)
    assert.equal(gradients, (2 * 8 + 2 * 12) * MB)
  })

  test('of a worker with compression has two residuals and the encoded body', () => {
    const { gradients } = podMemory({ ...options, ...compressed('bf16'), ...sizes }).worker
    assert.equal(gradients, (2 * 8 + 12) * MB + (2 * 8 + 8) * MB)
  })
})
