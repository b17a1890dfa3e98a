/** Variables in parts over several parameter servers, and checkpoints that another number of them restores. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findLatest } from '../../../src/checkpoint/list.ts'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { createRandom } from '../../../src/support/random.ts'
import { sizeOf } from '../../../src/support/variables.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { variable } from '../../unit/ps/fixtures.ts'
import type { Fleet } from './harness.ts'
import { forEachTest, suspend } from './small-fleet.ts'

const normal = { type: 'normal', stddev: 0.1 } as const
/** With several servers each has a part of the first variable and of the last. */
const model = makeLayout([
  variable('conv/weights', 0, { shape: [3, 3, 100, 100], init: normal, decay: true }),
  variable('conv/moving_mean', 100, { kind: 'statistic' }),
  variable('head/weights', 0, { shape: [100, 50], init: normal, learningRateMultiplier: 10, restored: false }),
  variable('head/bias', 50),
  variable('trunk/weights', 120_000, { kind: 'frozen', init: normal }),
])
const STEPS = 4

/** The same gradients and statistics in each run. */
function pushOf(client: ShardClient, step: number) {
  const random = createRandom(step)
  const values = (kind: string) =>
    new Map(
      model.variables
        .filter((one) => one.kind === kind)
        .map(({ name, shape }) => [name, Float32Array.from({ length: sizeOf(shape) }, () => random.normal())]),
    )
  const { base } = client
  return { gradients: values('trainable'), statistics: values('statistic'), batches: 1, loss: 1, examples: 1, base }
}

/** Trains from step to step, and returns copies of the weights. */
async function train(fleet: Fleet, podUid: string, from = 0): Promise<Map<string, Float32Array>> {
  const client = await fleet.connect(0, model, { podUid })
  for (let step = from; step < from + STEPS; step++) {
    await client.pull()
    await client.push(pushOf(client, step))
  }
  const weights = await weightsOf(client)
  await client.close()
  return weights
}

async function weightsOf(client: ShardClient): Promise<Map<string, Float32Array>> {
  return new Map([...(await client.pull()).weights].map(([name, values]) => [name, values.slice()]))
}

const bytesOf = (values: Float32Array = new Float32Array()) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength)

function assertSameBits(actual: ReadonlyMap<string, Float32Array>, expected: ReadonlyMap<string, Float32Array>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [name, values] of actual) assert.ok(bytesOf(values).equals(bytesOf(expected.get(name))), name)
}

async function versionIn(folder: string): Promise<number | undefined> {
  return (await findLatest(join(folder, 'tiny'))).latest?.manifest.formatVersion
}

/** How many servers have a part of each variable. */
async function serversOf(fleet: Fleet): Promise<Record<string, number>> {
  const client = await fleet.connect(1, model)
  const { shards } = client.placement
  await client.close()
  const counts = model.variables.map(({ name }) => [
    name,
    shards.filter(({ entries }) => entries.some((entry) => entry.name === name)).length,
  ])
  return Object.fromEntries(counts)
}

describe('a model whose variables are in parts', { concurrency: false }, () => {
  const { fleetOf, volume } = forEachTest()

  test('trains to the same bits on any number of parameter servers', async () => {
    const weights = []
    for (const shards of [1, 2, 5]) {
      const fleet = await fleetOf(shards, { weightDecay: 0.01 })
      weights.push(await train(fleet, 'first'))
      const { 'conv/weights': trainable, 'trunk/weights': frozen, 'conv/moving_mean': mean } = await serversOf(fleet)
      assert.deepEqual([trainable, frozen, mean], [shards, shards, 1])
    }
    const [one, ...others] = weights
    for (const other of others) assertSameBits(other, one ?? new Map())
  })

  for (const [before, after] of [
    [3, 5],
    [5, 1],
    [1, 4],
  ] as const)
    test(`is saved by ${before} servers and restored by ${after}, with the state of the optimizer`, async () => {
      const folder = await volume()
      const first = await fleetOf(before, {}, { folder })
      const trained = await train(first, 'first')
      await suspend(first)
      assert.equal(await versionIn(folder), before === 1 ? 1 : 2)

      const second = await fleetOf(after, {}, { folder })
      const client = await second.connect(0, model, { podUid: 'second' })
      assertSameBits(await weightsOf(client), trained)
      await client.close()
      const continued = await train(second, 'third', STEPS)
      await suspend(second)
      assert.equal(await versionIn(folder), after === 1 ? 1 : 2)

      const reference = await fleetOf(2)
      await train(reference, 'first')
      assertSameBits(await train(reference, 'second', STEPS), continued)
    })

  test('is the source of another job, which takes variables by name', async () => {
    const folder = await volume()
    const first = await fleetOf(3, {}, { folder })
    const trained = await train(first, 'first')
    await suspend(first)
    const { latest } = await findLatest(join(folder, 'tiny'))
    assert.ok(latest)
    const init = { type: 'checkpoint', path: `tiny/${latest.name}`, digest: latest.digest } as const
    const job = { kind: 'FinetuneJob', namespace: 'default', name: 'next', uid: 'next' } as const
    const checkpoint = { path: 'next', keep: 3, keepBest: 0, keepSteps: [] }
    const config: Partial<RuntimeConfig> = { job, checkpoint, init, seed: 2 }
    const second = await fleetOf(2, config, { folder, each: () => ({ sourceDir: folder }) })
    const client = await second.connect(0, model)
    const weights = await weightsOf(client)
    await client.close()
    const isHead = (name: string) => name === 'head/weights'
    const others = (map: ReadonlyMap<string, Float32Array>) => new Map([...map].filter(([name]) => !isHead(name)))
    assertSameBits(others(weights), others(trained))
    assert.notDeepEqual(weights.get('head/weights'), trained.get('head/weights'))
  })

  test('stays whole where the norm of the gradient of a variable is limited, and is limited as on one server', async () => {
    const weights = []
    for (const shards of [1, 3]) {
      const fleet = await fleetOf(shards, { gradientClipNorm: 1 })
      weights.push(await train(fleet, 'first'))
      assert.deepEqual(new Set(Object.values(await serversOf(fleet))), new Set([1]))
    }
    const [one, three] = weights
    assertSameBits(three ?? new Map(), one ?? new Map())
  })
})
