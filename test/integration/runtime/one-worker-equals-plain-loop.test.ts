/**
 * Compares distributed training (draw, pull, train, push, update) with a training loop in one process with its own
 * optimizer, which rounds each operation to float32. (In float64, rounding would switch a ReLU in only one of the loops.)
 * Both share only the forward and backward pass of the model. With prefetch, each gradient of the plain loop is computed on
 * the weights before the last update.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeConfig } from '../../../src/contract/runtime.ts'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { createWorkerMetrics } from '../../../src/metrics/worker.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import { createStepper } from '../../../src/worker/step.ts'
import { singleSteps } from '../../../src/worker/step-source.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { startFleet } from './harness.ts'
import { PlainLoop, RMSPROP, STATISTIC_DECAY } from './plain-loop.ts'

const STEPS = 20
const PIXELS = 16
const BATCH = 4
const RATE = { initial: 1e-3, factor: 0.9, everySteps: 5 }

const config: RuntimeConfig = makeConfig({
  seed: 3,
  task: { type: 'multi-label', options: { classes: 6, headSlices: 2 }, input: {} },
  batchSize: BATCH,
  maxSteps: STEPS,
  optimizer: { type: 'rmsprop', ...RMSPROP },
  learningRate: { type: 'exponential', ...RATE, staircase: true },
  weightDecay: 1e-4,
  batchNorm: { decay: STATISTIC_DECAY, epsilon: 1e-5 },
})

/** Images of noise with a square that depends on the label, in the same batches for both loops. */
function makeBatches(): Batch<ClassLabels>[] {
  const random = createRandom(7)
  return Array.from({ length: STEPS }, () => {
    const images = Float32Array.from({ length: BATCH * PIXELS * PIXELS * 3 }, () => 2 * random.next() - 1)
    const labels = Array.from({ length: BATCH }, () => [random.int(5), 5])
    return {
      images,
      shape: [BATCH, PIXELS, PIXELS],
      targets: labels.map((some) => ({ labels: some })),
      ids: labels.map(String),
    }
  })
}

for (const prefetch of [false, true])
  test(`one worker with pushEvery and fetchEvery 1${prefetch ? ' and prefetch equals a plain loop that lags by one update' : ' equals a plain loop'}, bit by bit, after 20 steps`, async () => {
    await selectBackend('wasm', silentLog)
    const task = await createTask(config)
    const batches = makeBatches()
    const trained = await trainOnServers(task, batches, prefetch)
    const expected = await trainPlainly(task, batches, prefetch)
    for (const { name } of task.variables) assert.deepEqual(trained.get(name), expected.get(name), name)
  })

type Weights = Map<string, Float32Array>

/** @returns the weights after the last step of a real worker loop on two real parameter servers */
async function trainOnServers(task: Task, batches: readonly Batch<ClassLabels>[], prefetch: boolean): Promise<Weights> {
  const fleet = await startFleet({ ...config, maxSteps: STEPS + 1 }, { shards: 2 })
  try {
    const client = await fleet.connect(0, makeLayout(task.variables), { overlap: prefetch })
    const left = [...batches]
    const report = new Reporter(0, createWorkerMetrics({ tensors: () => 0 }), silentLog)
    const stats = () => ({ corruptRecords: 0, queuedBatches: 0 })
    await trainingLoop({
      config: { ...config, async: { ...config.async, prefetch } },
      client,
      source: singleSteps({
        loader: { next: async () => left.shift() ?? null, stats, recycle: () => {} },
        stepper: createStepper(task),
      }),
      report,
      signal: new AbortController().signal,
      log: silentLog,
    })
    const { step, weights } = await client.pull()
    assert.equal(step, STEPS)
    const copy = new Map([...weights].map(([name, values]) => [name, values.slice()]))
    await client.close()
    return copy
  } finally {
    await fleet.close()
  }
}

/** @param lags whether each gradient but the first is computed on the weights before the last update */
async function trainPlainly(task: Task, batches: readonly Batch<ClassLabels>[], lags: boolean): Promise<Weights> {
  const loop = new PlainLoop(task.variables, config)
  const stepper = createStepper(task)
  let before = loop.weights
  for (const [step, batch] of batches.entries()) {
    const now = loop.weights
    stepper.load(lags ? before : now)
    before = now
    const learningRate = RATE.initial * RATE.factor ** Math.floor(step / RATE.everySteps)
    loop.update({ ...(await stepper.step(batch)), batches: 1, learningRate })
  }
  stepper.dispose()
  return loop.weights
}
