/** Worker 0 of a job with calibrated batch norm is killed before its first push, or between two servers of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import { openClassDataset } from '../../../src/data/formats.ts'
import { calibrationBatches } from '../../../src/input/calibration-batches.ts'
import { CorruptionCount } from '../../../src/input/corruption-count.ts'
import { createExampleReader } from '../../../src/input/examples.ts'
import type { Loader } from '../../../src/input/loader.ts'
import { MOVING_MEAN } from '../../../src/models/batch-norm.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { sizeOf } from '../../../src/support/variables.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { calibration, imagesToMeasure, measureStatistics } from '../../../src/worker/calibrate.ts'
import type { ShardClient } from '../../../src/worker/client.ts'
import { eventually } from '../../support/eventually.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { inside, png, writeRecords } from '../../unit/data/builders.ts'
import { PIPELINE } from '../../unit/input/builders.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { startFleet } from './harness.ts'

const root = temporaryFolder()
const config: RuntimeConfig = makeConfig({
  seed: 5,
  task: { type: 'multi-label', options: { classes: 4, headSlices: 1 }, input: {} },
  batchSize: 32,
  maxSteps: 9,
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: { type: 'constant', initial: 0.01 },
  batchNorm: { decay: 0.9, epsilon: 1e-5, mode: 'calibrated' },
})

type Values = ReadonlyMap<string, Float32Array>

/** Ten files of ten pictures. */
async function writePictures(): Promise<string> {
  const folder = inside(root)
  const random = createRandom(3)
  const record = async (id: string) => ({ id, labels: [random.int(4)], encoded: await png(random.int(256)) })
  const unit = (i: number) => Promise.all(Array.from({ length: 10 }, (_, k) => record(`${i}-${k}`)))
  await writeRecords(folder, await Promise.all(Array.from({ length: 10 }, (_, i) => unit(i))))
  return folder
}

/** What a worker 0 that has just started measures. */
async function measure(client: ShardClient, folder: string): Promise<{ statistics: Values; ids: string[] }> {
  const corruption = new CorruptionCount(0)
  const dataset = await openClassDataset(folder, { path: '.', format: 'tfrecord', maxCorruptRecords: 0 })
  const reader = createExampleReader(dataset, PIPELINE.decode, corruption)
  const images = await imagesToMeasure(client)
  const batches = calibrationBatches(reader, PIPELINE, config.batchSize, config.seed, images)
  const ids: string[] = []
  const next: Loader<unknown>['next'] = async () => {
    const { value } = await batches.next()
    ids.push(...(value?.ids ?? []))
    return value ?? null
  }
  const measurement = { config, loader: { next }, images, log: silentLog }
  const prepare = calibration({ images, measure: (weights) => measureStatistics(measurement, weights) })
  const weights = await prepare(await client.pull())
  const { variables } = await createTask(config)
  const names = variables.filter(({ kind }) => kind === 'statistic').map(({ name }) => name)
  return { statistics: new Map(names.map((name) => [name, (weights.get(name) as Float32Array).slice()])), ids }
}

async function pushOf(client: ShardClient, statistics: Values) {
  const { variables } = await createTask(config)
  const trainable = variables.filter(({ kind }) => kind === 'trainable')
  const gradients = new Map(trainable.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape)).fill(0.1)]))
  return client.push({ gradients, statistics, batches: 1, loss: 1, examples: 32, base: client.base })
}

test('a repeated calibration measures the same images, and all servers end with statistics of them', async () => {
  await selectBackend('wasm', silentLog)
  const folder = await writePictures()
  const fleet = await startFleet(config, { shards: 2 })
  try {
    const layout = makeLayout((await createTask(config)).variables)
    const connect = (podUid: string) => fleet.connect(0, layout, { podUid, dataUnits: 10 })
    const first = await connect('first')
    const measured = await measure(first, folder)
    await first.close()

    const second = await connect('second')
    const repeated = await measure(second, folder)
    assert.deepEqual(repeated, measured, 'bit-equal where no server has applied a push')

    const [proxy] = fleet.proxies.slice(1)
    if (!proxy) throw new Error('two shards have two proxies')
    const { target } = proxy
    proxy.target = 9
    proxy.cut()
    const push = pushOf(second, repeated.statistics).catch(() => undefined)
    await eventually(() => assert.equal(fleet.step(), 1))
    await second.close()
    await push
    proxy.target = target

    const third = await connect('third')
    const again = await measure(third, folder)
    assert.deepEqual(
      third.base.map(({ version }) => version),
      [1, 0],
    )
    assert.deepEqual(again.ids, measured.ids)
    await pushOf(third, again.statistics)
    const { weights } = await third.pull()
    for (const [shard, from] of [measured, again].entries())
      for (const { name, kind } of third.placement.shards[shard]?.entries ?? [])
        if (kind === 'statistic') assert.deepEqual(weights.get(name), from.statistics.get(name), name)
    const held = third.placement.shards.map(({ entries }) => entries.some(({ name }) => name.endsWith(MOVING_MEAN)))
    assert.deepEqual(held, [true, true], 'both servers have layers')
    assert.equal(await imagesToMeasure(third), 0)
    await third.close()
  } finally {
    await fleet.close()
  }
})

test('a worker that did not calibrate restarts when the servers have lost the statistics', async () => {
  const prepare = calibration({ images: 0, measure: () => assert.fail('it asked for images') })
  const pulled = { weights: new Map(), base: [{ incarnation: 2, version: 0 }] }
  await assert.rejects(prepare(pulled), { code: 'STATISTICS_LOST' })
})
