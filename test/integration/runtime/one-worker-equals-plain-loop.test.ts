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
import { drawInitial } from '../../../src/ps/initial.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { createTask } from '../../../src/tasks/registry.ts'
import type { Task } from '../../../src/tasks/task.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { makeLayout } from '../../../src/wire/layout.ts'
import { trainingLoop } from '../../../src/worker/loop.ts'
import { Reporter } from '../../../src/worker/report.ts'
import { createStepper, type StepOutput } from '../../../src/worker/step.ts'
import { singleSteps } from '../../../src/worker/step-source.ts'
import { makeConfig } from '../../unit/ps/fixtures.ts'
import { startFleet } from './harness.ts'

const STEPS = 20
const PIXELS = 16
const BATCH = 4
const RATE = { initial: 1e-3, factor: 0.9, everySteps: 5 }
const f = Math.fround
const RMSPROP = { decay: 0.9, momentum: 0.9, epsilon: 1e-10 }
const RHO = f(RMSPROP.decay)

const config: RuntimeConfig = makeConfig({
  seed: 3,
  task: { type: 'multi-label', options: { classes: 6, headSlices: 2 }, input: {} },
  batchSize: BATCH,
  maxSteps: STEPS,
  optimizer: { type: 'rmsprop', ...RMSPROP },
  learningRate: { type: 'exponential', ...RATE, staircase: true },
  weightDecay: 1e-4,
  batchNorm: { decay: 0.9, epsilon: 1e-5 },
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

interface State {
  variable: VariableSpec
  w: Float32Array
  rms: Float32Array
  momentum: Float32Array
}

/**
 * Draws, steps and updates, with only the seeded draw from src/ps.
 * @param lags whether each gradient but the first is computed on the weights before the last update
 */
async function trainPlainly(task: Task, batches: readonly Batch<ClassLabels>[], lags: boolean): Promise<Weights> {
  const states = task.variables.map(initialState)
  const present = () => new Map(states.map(({ variable: { name }, w }) => [name, Float32Array.from(w)]))
  const stepper = createStepper(task)
  let before = present()
  for (const [step, batch] of batches.entries()) {
    const now = present()
    stepper.load(lags ? before : now)
    before = now
    const output = await stepper.step(batch)
    for (const state of states) update(state, output, RATE.initial * RATE.factor ** Math.floor(step / RATE.everySteps))
  }
  stepper.dispose()
  return present()
}

function initialState(variable: VariableSpec): State {
  const length = sizeOf(variable.shape)
  const drawn = new Float32Array(length)
  drawInitial({ ...variable, offset: 0, start: 0, length }, config.seed, drawn)
  return {
    variable,
    w: Float32Array.from(drawn),
    rms: new Float32Array(length).fill(1),
    momentum: new Float32Array(length),
  }
}

function update({ variable, w, rms, momentum }: State, output: StepOutput, learningRate: number): void {
  const { name, kind, decay } = variable
  const batch = output.statistics.get(name)
  const gradient = output.gradients.get(name)
  for (let i = 0; i < w.length; i++) {
    const weight = w[i] ?? 0
    if (kind === 'statistic') w[i] = f(f(f(0.9) * weight) + f(f(1 - f(0.9)) * (batch?.[i] ?? 0)))
    else {
      const g = f((gradient?.[i] ?? 0) + (decay ? f(f(config.weightDecay) * weight) : 0))
      rms[i] = f(f(RHO * (rms[i] ?? 0)) + f(f(1 - RHO) * f(g * g)))
      const step = f(f(f(learningRate) * g) / f(Math.sqrt(f((rms[i] ?? 0) + f(RMSPROP.epsilon)))))
      momentum[i] = f(f(f(RMSPROP.momentum) * (momentum[i] ?? 0)) + step)
      w[i] = weight - (momentum[i] ?? 0)
    }
  }
}
