import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushResult } from '../../../src/contract/exchange.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import type { PushRequest, ShardClient, WeightsBase } from '../../../src/worker/client.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import type { Stepper } from '../../../src/worker/step.ts'
import { makeConfig } from '../ps/fixtures.ts'

interface Run {
  /** Gradients that were pushed, with the weights on which they were computed. */
  pushed: { gradient: number | undefined; base: WeightsBase | undefined }[]
}

/**
 * Runs a loop over one shard and one weight. The gradient of step n is 10 to the power n.
 * @param bases result of each pull @param results of the pushes; applied after the last
 */
async function run(
  bases: readonly [incarnation: number, version: number][],
  pushEvery: number,
  results: readonly PushResult[] = [],
): Promise<Run> {
  const pushed: Run['pushed'] = []
  let pulls = 0
  let steps = 0
  const client = {
    done: false,
    get base() {
      const [incarnation = 0, version = 0] = bases[pulls - 1] ?? []
      return [{ incarnation, version }]
    },
    async pull() {
      pulls++
      return { step: 0, weights: new Map(), changed: true }
    },
    async push({ gradients, base }: PushRequest) {
      pushed.push({ gradient: gradients.get('w')?.[0], base })
      return { result: results[pushed.length - 1] ?? 'applied', step: 0 }
    },
  }
  const stepper: Stepper = {
    load() {},
    step: async () => {
      const gradients = new Map([['w', Float32Array.of(10 ** steps++)]])
      return { loss: 1, parts: {}, gradients, statistics: new Map(), examples: 1, finite: true, seconds: 0 }
    },
    dispose() {},
  }
  const shape = [1, 0, 0] as const
  const batch = { images: new Float32Array(0), shape, targets: [{ labels: [] }], ids: ['a'] }
  const { async: how, maxNonFinite } = makeConfig()
  await trainingLoop({
    config: { async: { ...how, fetchEvery: 1, pushEvery }, maxNonFinite },
    client: client as unknown as ShardClient,
    loader: {
      next: async () => (steps < bases.length ? batch : null),
      recycle: () => {},
      stats: () => ({ corruptRecords: 0, queuedBatches: 0 }),
    },
    stepper,
    report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
    signal: new AbortController().signal,
    log: silentLog,
  })
  return { pushed }
}

test('a push of several steps has the version of its oldest step', async () => {
  const { pushed } = await run(
    [
      [7, 1],
      [7, 4],
      [7, 5],
      [7, 9],
    ],
    2,
  )
  assert.deepEqual(pushed, [
    { gradient: 11, base: [{ incarnation: 7, version: 1 }] },
    { gradient: 1100, base: [{ incarnation: 7, version: 5 }] },
  ])
})

test('steps on weights that a restarted server has lost are not pushed', async () => {
  const { pushed } = await run(
    [
      [7, 9],
      [8, 3],
      [8, 4],
    ],
    2,
  )
  assert.deepEqual(pushed, [{ gradient: 110, base: [{ incarnation: 8, version: 3 }] }])
})

test('pushes that are not finite end the worker after maxNonFinite in a row; an applied one in between resets the count', async () => {
  const bases = Array.from({ length: 6 }, (_, version): [number, number] => [7, version])
  const { pushed } = await run(bases, 1, ['nonfinite', 'nonfinite', 'applied', 'nonfinite', 'nonfinite'])
  assert.equal(pushed.length, 6)
  await assert.rejects(run(bases, 1, ['applied', 'nonfinite', 'nonfinite', 'nonfinite']), {
    code: 'NON_FINITE',
    message: /^3 gradients in a row.*lower the learning rate/,
  })
})
