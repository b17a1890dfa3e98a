import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ClassLabels } from '../../../src/data/dataset.ts'
import type { Batch } from '../../../src/input/batch.ts'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { tf } from '../../../src/tensor/tf.ts'
import { createStepper, type StepOutput } from '../../../src/worker/step.ts'
import { buildModel, config, drawAll } from '../models/builders.ts'

const PIXELS = 4
const STEPS = 2000
const SAMPLE_EVERY = 50
/** Measured over 1,000 steps: 0.7 MiB. A leak of 8 KiB a step, a thirtieth of one set of gradients, gives 8 MiB. */
const RSS_BOUND_BYTES = 8 * 2 ** 20

// Garbage that is not yet collected is no leak, and its amount depends on the load of the machine.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

before(async () => void (await selectBackend('wasm', silentLog)))

const model = buildModel(config())

function batch(value = 0.5): Batch<ClassLabels> {
  const targets = [{ labels: [0, 1] }, { labels: [3] }]
  const images = Float32Array.from({ length: targets.length * PIXELS * PIXELS * 3 }, (_, i) => value * Math.sin(i))
  return { images, shape: [targets.length, PIXELS, PIXELS], targets, ids: ['a', 'b'] }
}

async function oneStep(values = drawAll(model, 1), input = batch()): Promise<StepOutput> {
  const stepper = createStepper(model.task)
  stepper.load(values)
  const output = await stepper.step(input)
  stepper.dispose()
  return output
}

test('a step returns loss, gradients and statistics of its batch', async () => {
  const { loss, gradients, statistics, examples, finite, seconds } = await oneStep()
  const kinds = (kind: string) => model.variables.filter((variable) => variable.kind === kind).map(({ name }) => name)
  assert.ok(loss > 0 && finite && seconds > 0)
  assert.equal(examples, 2)
  assert.deepEqual([...gradients.keys()].sort(), kinds('trainable').sort())
  assert.deepEqual([...statistics.keys()].sort(), kinds('statistic').sort())
})

test('a step gives the terms of the loss that its task names, and leaves no tensor of them behind', async () => {
  const { task } = model
  const objective: typeof task.objective = (pass, images, targets) => {
    const { loss } = task.objective(pass, images, targets)
    return { loss: tf.mul(loss, 3), parts: { classes: loss, boxes: tf.mul(loss, 2) } }
  }
  const stepper = createStepper({ ...task, objective })
  const tensors = tf.memory().numTensors
  stepper.load(drawAll(model, 1))
  const { loss, parts } = await stepper.step(batch())
  stepper.dispose()
  assert.deepEqual(Object.keys(parts), ['classes', 'boxes'])
  assert.equal(parts.classes, (await oneStep()).loss)
  assert.ok(Math.abs((parts.classes ?? 0) + (parts.boxes ?? 0) - loss) < 1e-5 * loss)
  assert.equal(tf.memory().numTensors, tensors)
})

for (const backend of ['wasm', 'cpu'] as const) {
  test(`on ${backend}, a new load replaces the weights`, async () => {
    await selectBackend(backend, silentLog)
    const stepper = createStepper(model.task)
    stepper.load(drawAll(model, 1))
    assert.equal((await stepper.step(batch())).loss, (await oneStep()).loss)
    stepper.load(drawAll(model, 2))
    assert.equal((await stepper.step(batch())).loss, (await oneStep(drawAll(model, 2))).loss)
    stepper.dispose()
    await selectBackend('wasm', silentLog)
  })
}

test('a loss or gradient that is not finite is reported', async () => {
  assert.equal((await oneStep(drawAll(model, 1), batch(Number.NaN))).finite, false)
  const values = drawAll(model, 1)
  values.get('head/slice_0/bias')?.fill(Number.POSITIVE_INFINITY)
  assert.equal((await oneStep(values)).finite, false)
  assert.equal((await oneStep()).finite, true)
})

test('weights without a variable are refused with its name', () => {
  const values = drawAll(model, 1)
  values.delete('root/gamma')
  assert.throws(() => createStepper(model.task).load(values), /root\/gamma/)
})

test('two thousand steps leak no tensor and no memory', async (t) => {
  const stepper = createStepper(model.task)
  const values = drawAll(model, 1)
  const input = batch()
  const tensors = new Set<number>()
  const rss: number[] = []
  for (let step = 1; step <= STEPS; step++) {
    if (step % 2 === 1) stepper.load(values)
    await stepper.step(input)
    tensors.add(tf.memory().numTensors)
    if (step % SAMPLE_EVERY > 0) continue
    collectGarbage()
    rss.push(process.memoryUsage.rss())
  }
  const quarters = [0, 1, 2, 3].map((i) => median(rss.slice((i * rss.length) / 4, ((i + 1) * rss.length) / 4)))
  const [second, last] = [quarters[1] as number, quarters[3] as number]
  t.diagnostic(`tensors ${[...tensors].join(', ')}; median RSS of each quarter, MiB: ${quarters.map(mib).join(', ')}`)
  assert.equal(tensors.size, 1, 'as many tensors after each step')
  assert.ok(last - second < RSS_BOUND_BYTES, `RSS grew by ${mib(last - second)} MiB`)
  stepper.dispose()
})

test('a disposed stepper leaves no tensors', async () => {
  const before = tf.memory().numTensors
  await oneStep()
  assert.equal(tf.memory().numTensors, before)
})

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
