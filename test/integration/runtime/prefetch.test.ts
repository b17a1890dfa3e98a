/** Workers that exchange while they compute, over real connections to two parameter servers. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate as aTurn } from 'node:timers/promises'
import { findLatest } from '../../../src/checkpoint/list.ts'
import { loadCheckpoint } from '../../../src/checkpoint/load.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import { MIN_PART } from '../../../src/wire/balance.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import type { Stepper } from '../../../src/worker/step.ts'
import { singleSteps } from '../../../src/worker/step-source.ts'
import { eventually } from '../../support/eventually.ts'
import { makeConfig, variable } from '../../unit/ps/fixtures.ts'
import { endOf, forEachTest, layout, pushOnes } from './small-fleet.ts'

const PATIENT = { timeoutMs: 30_000 }
const optimizer = { type: 'momentum', momentum: 0 } as const
/** Two servers share it by cutting it. */
const single = makeLayout([variable('w', 4 * MIN_PART)])

const copyOf = (weights: ReadonlyMap<string, Float32Array>) => new Map([...weights].map(([k, v]) => [k, v.slice()]))

/**
 * Every gradient is 1, so the weights are the negative number of updates. While it computes, it uses its weights and the
 * arrays for its gradients: an exchange that touched them would make a weight that is no such number.
 */
function stepperOfOnes(turns: number): Stepper {
  let weights: ReadonlyMap<string, Float32Array> = new Map()
  let loaded = weights
  return {
    load(values) {
      weights = values
      loaded = copyOf(values)
    },
    async step({ targets }, into = new Map()) {
      for (const values of into.values()) values.fill(1e9)
      for (let turn = 0; turn < turns; turn++) await aTurn()
      assert.deepEqual(copyOf(weights), loaded, 'the weights of a step do not change')
      for (const values of into.values()) values.fill(1)
      return {
        loss: 1,
        parts: {},
        gradients: into,
        statistics: new Map(),
        examples: targets.length,
        finite: true,
        seconds: 0,
      }
    },
    dispose() {},
  }
}

/** Trains until the job is done. @param turns of the event loop that a step takes */
function train(client: ShardClient, turns: number): Promise<void> {
  const { async: how, maxNonFinite } = makeConfig()
  const batch = { images: new Float32Array(0), shape: [1, 0, 0] as const, targets: [{ labels: [] }], ids: ['a'] }
  return trainingLoop({
    config: { async: { ...how, prefetch: true }, maxNonFinite },
    client,
    source: singleSteps({
      loader: {
        next: async () => batch,
        recycle: () => {},
        stats: () => ({ corruptRecords: 0, queuedBatches: 0 }),
      },
      stepper: stepperOfOnes(turns),
    }),
    report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
    signal: new AbortController().signal,
    log: silentLog,
  })
}

describe('a worker that exchanges while it computes', { concurrency: false }, () => {
  const { fleetOf } = forEachTest()

  for (const model of [layout, single])
    test(`keeps the weights of a pull during the next one (${model.variables.length} variables)`, async () => {
      const fleet = await fleetOf(2, { optimizer })
      const client = await fleet.connect(0, model, { overlap: true })
      assert.ok(client.placement.shards.every(({ entries }) => entries.length > 0))
      const first = await client.pull()
      const before = copyOf(first.weights)
      await pushOnes(client, first.base, model)
      const second = await client.pull()
      assert.deepEqual(copyOf(first.weights), before)
      for (const values of second.weights.values()) assert.deepEqual(new Set(values), new Set([-1]))
      assert.deepEqual(
        [first.base, second.base].map((base) => base.map(({ version }) => version)),
        [
          [0, 0],
          [1, 1],
        ],
      )
    })

  test('has other arrays for the gradients of the next push', async () => {
    const fleet = await fleetOf(2, { optimizer })
    const client = await fleet.connect(0, layout, { overlap: true })
    const { base } = await client.pull()
    const { outgoing } = client
    for (const values of outgoing.values()) values.fill(1)
    const sent = client.push({ gradients: outgoing, statistics: outgoing, batches: 1, loss: 1, examples: 1, base })
    assert.notEqual(client.outgoing, outgoing)
    for (const values of client.outgoing.values()) values.fill(1e9)
    assert.equal((await sent).result, 'applied')
    for (const values of (await client.pull()).weights.values()) assert.deepEqual(new Set(values), new Set([-1]))
  })

  test('applies every gradient once, whatever happens to connections and servers', async () => {
    const [maxSteps, workers] = [300, [0, 1, 2]]
    const topology = { parameterServers: 2, workers: workers.length, psHosts: ['replaced'] }
    const fleet = await fleetOf(2, { optimizer, maxSteps, topology })
    const clients = await Promise.all(workers.map((index) => fleet.connect(index, layout, { overlap: true })))
    const ended = Promise.all(clients.map((client, i) => train(client, 20 + 10 * i)))
    for (const step of [20, 60, 100]) {
      await eventually(() => assert.ok(fleet.step() >= step), PATIENT)
      for (const proxy of fleet.proxies) proxy.cut()
    }
    await fleet.restart()
    for (const step of [20, 60]) {
      await eventually(() => assert.ok(fleet.step() >= step), PATIENT)
      for (const proxy of fleet.proxies) proxy.cut()
    }
    await Promise.all([ended, endOf(fleet)])
    const { latest } = await findLatest(join(fleet.folder, 'tiny'))
    const { variables } = await loadCheckpoint(latest?.folder ?? '')
    assert.equal(latest?.manifest.step, maxSteps)
    for (const [shard, { entries }] of (clients[0]?.placement.shards ?? []).entries())
      for (const { name } of entries)
        assert.deepEqual(new Set(variables.get(name)?.data), new Set([-(latest?.manifest.shards[shard]?.version ?? 0)]))
  })

  test('ends when it is told to, while weights are on their way', async () => {
    const fleet = await fleetOf(1, { optimizer })
    const client = await fleet.connect(0, layout, { overlap: true })
    const training = train(client, 1)
    await eventually(() => assert.ok(fleet.step() >= 3), PATIENT)
    const [proxy] = fleet.proxies
    if (proxy) proxy.target = 9
    proxy?.cut()
    await client.close()
    await assert.rejects(training, { code: 'CLIENT_CLOSED' })
  })
})
