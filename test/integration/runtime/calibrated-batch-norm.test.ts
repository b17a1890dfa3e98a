/** Two parameter servers and worker 0 of a job with calibrated batch norm. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { sizeOf } from '../../../src/support/variables.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { CALIBRATION_IMAGES, calibration, measureStatistics } from '../../../src/worker/calibrate.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import { createStepper } from '../../../src/worker/step.ts'
import { singleSteps, type Values } from '../../../src/worker/step-source.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { startFleet } from './harness.ts'

const PIXELS = 16
const BATCH = 16
const TRAINED = 3
const BATCHES = CALIBRATION_IMAGES / BATCH + TRAINED

const config: RuntimeConfig = makeConfig({
  seed: 5,
  task: { type: 'multi-label', options: { classes: 6, headSlices: 2 }, input: {} },
  batchSize: BATCH,
  maxSteps: TRAINED + 1,
  optimizer: { type: 'momentum', momentum: 0.9 },
  learningRate: { type: 'constant', initial: 0.01 },
  batchNorm: { decay: 0.9, epsilon: 1e-5, mode: 'calibrated' },
})

function makeBatches(): Batch<ClassLabels>[] {
  const random = createRandom(11)
  return Array.from({ length: BATCHES }, () => ({
    images: Float32Array.from({ length: BATCH * PIXELS * PIXELS * 3 }, () => 2 * random.next() - 1),
    shape: [BATCH, PIXELS, PIXELS],
    targets: Array.from({ length: BATCH }, () => ({ labels: [random.int(5)] })),
    ids: Array.from({ length: BATCH }, String),
  }))
}

type Weights = Map<string, Float32Array>

/** @returns the weights on the servers before and after the steps */
async function train(
  batches: readonly Batch<ClassLabels>[],
): Promise<{ before: Weights; after: Weights; left: number }> {
  const task = await createTask(config)
  const fleet = await startFleet(config, { shards: 2 })
  try {
    const client = await fleet.connect(0, makeLayout(task.variables))
    const pulled = async () => new Map([...(await client.pull()).weights].map(([name, one]) => [name, one.slice()]))
    const before = await pulled()
    const left = [...batches]
    const stats = () => ({ corruptRecords: 0, queuedBatches: 0 })
    const loader = { next: async () => left.shift() ?? null, stats, recycle: () => {} }
    const images = CALIBRATION_IMAGES
    const measure = (weights: Values) => measureStatistics({ config, loader, images, log: silentLog }, weights)
    await trainingLoop({
      ...{ config, client, log: silentLog },
      source: singleSteps({ loader, stepper: createStepper(task) }),
      prepare: calibration({ images, measure }),
      report: new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog),
      signal: new AbortController().signal,
    })
    const after = await pulled()
    await client.close()
    return { before, after, left: left.length }
  } finally {
    await fleet.close()
  }
}

/** Mean and variance of the root's output over all images. */
function rootMoments(batches: readonly Batch<ClassLabels>[], weights: Weights): { mean: number[]; variance: number[] } {
  return tf.tidy(() => {
    const images = batches.map((batch) => tf.tensor4d(batch.images, [BATCH, PIXELS, PIXELS, 3]))
    const padded = tf.pad(tf.concat(images), [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ])
    const filter = tf.tensor4d(weights.get('root/weights') as Float32Array, [3, 3, 3, 24])
    const { mean, variance } = tf.moments(tf.conv2d(padded as Tensor4D, filter, 2, 'valid'), [0, 1, 2])
    return { mean: [...mean.dataSync()], variance: [...variance.dataSync()] }
  })
}

test('worker 0 measures the statistics of 64 images before its first push, and they stay until the end', async () => {
  await selectBackend('wasm', silentLog)
  const batches = makeBatches()
  const { before, after, left } = await train(batches)
  assert.equal(left, 0)
  const { mean, variance } = rootMoments(batches.slice(0, -TRAINED), before)
  for (const [name, wanted] of [
    ['root/moving_mean', mean],
    ['root/moving_variance', variance],
  ] as const)
    for (const [c, value] of (after.get(name) as Float32Array).entries())
      assert.ok(Math.abs(value - (wanted[c] as number)) < 1e-5, `${name}[${c}]: ${value}, not ${wanted[c]}`)
  const changed = [...after].filter(([name, values]) => !values.every((value, i) => value === before.get(name)?.[i]))
  const kinds = new Set(changed.map(([name]) => name.split('/').at(-1)))
  assert.deepEqual([...kinds].sort(), ['bias', 'moving_mean', 'moving_variance', 'weights'])
})

test('the same seed with one worker gives the same weights, bit by bit', async () => {
  await selectBackend('wasm', silentLog)
  const [first, second] = [await train(makeBatches()), await train(makeBatches())]
  assert.deepEqual(second.after, first.after)
})

test('another worker waits with its pull until every server has the statistics', async () => {
  const { variables } = await createTask(config)
  const fleet = await startFleet(config, { shards: 2 })
  try {
    const [first, other] = [
      await fleet.connect(0, makeLayout(variables)),
      await fleet.connect(1, makeLayout(variables)),
    ] as const
    const waiting = other.pull()
    await first.pull()
    const valuesOf = (wanted: string, value: number) =>
      new Map(
        variables
          .filter(({ kind }) => kind === wanted)
          .map(({ name, shape }) => [name, new Float32Array(sizeOf(shape)).fill(value)]),
      )
    const statistics = valuesOf('statistic', 7)
    const counts = { batches: 1, loss: 1, examples: 1, base: first.base }
    await first.push({ gradients: valuesOf('trainable', 0), statistics, ...counts })
    const { weights } = await waiting
    for (const [name, values] of statistics) assert.deepEqual(weights.get(name), values, name)
    await Promise.all([first.close(), other.close()])
  } finally {
    await fleet.close()
  }
})
