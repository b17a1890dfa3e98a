import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { disposeStep, valueAndGradients } from '../../../src/models/gradients.ts'
import { createPass } from '../../../src/models/layer.ts'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor, tf } from '../../../src/tensor/tf.ts'
import { buildModel, config, drawAll, drawWeights, image, type Model } from './builders.ts'

const LABELS = [[0, 2], [1], [], [4]]
const PIXELS = 8

before(async () => {
  await selectBackend('cpu', silentLog)
  await selectBackend('wasm', silentLog)
})

function targetTensors({ task }: Model): Record<string, Tensor> {
  const encoded = Object.entries(task.encode(LABELS.map((labels) => ({ labels }))))
  return Object.fromEntries(encoded.map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]))
}

function gradientsOf(model: Model, values: ReadonlyMap<string, Float32Array>) {
  const weights = toTensors(model, values)
  const images = image(LABELS.length, PIXELS)
  const targets = targetTensors(model)
  const result = valueAndGradients(model.variables, weights, (pass) => model.task.objective(pass, images, targets))
  const read = (tensors: ReadonlyMap<string, Tensor>) =>
    new Map([...tensors].map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]))
  const out = {
    gradients: read(result.gradients),
    statistics: read(result.statistics),
    loss: result.loss.dataSync()[0],
  }
  disposeStep(result)
  tf.dispose([images, ...Object.values(targets), ...weights.values()])
  return out
}

function toTensors(model: Model, values: ReadonlyMap<string, Float32Array>): Map<string, Tensor> {
  return new Map(
    model.variables.map(({ name, shape }) => [name, tf.tensor(values.get(name)?.slice() ?? [], [...shape])]),
  )
}

function lossAt(model: Model, values: ReadonlyMap<string, Float32Array>): number {
  const weights = toTensors(model, values)
  const loss = tf.tidy(() => {
    const pass = createPass(weights, { training: true })
    return model.task.objective(pass, image(LABELS.length, PIXELS), targetTensors(model)).loss.dataSync()
  })
  tf.dispose([...weights.values()])
  return loss[0] as number
}

/** @returns (L(w + h·d) - L(w - h·d)) / 2h, with the step as rounded to float32 */
function slopeAlong(
  model: Model,
  values: ReadonlyMap<string, Float32Array>,
  name: string,
  direction: Float32Array,
  h: number,
) {
  const moved = (sign: number) => {
    const value = (values.get(name) as Float32Array).map((w, i) => w + sign * h * (direction[i] as number))
    return lossAt(model, new Map([...values, [name, value]]))
  }
  return (moved(1) - moved(-1)) / (2 * h)
}

for (const mode of ['trained', 'frozen'] as const)
  test(`every gradient of a network with ${mode} batch norm equals the finite difference of its loss`, async (t) => {
    const model = buildModel(config({ headSlices: 2, batchNorm: { mode, epsilon: 1e-3 } }))
    const values = drawAll(model, 4)
    const { gradients } = gradientsOf(model, values)
    const worst = { name: '', error: 0 }
    for (const [name, gradient] of gradients) {
      // Along the gradient the slope equals its length: all values count, and rounding has the least effect.
      const length = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))
      const direction = gradient.map((g) => g / length)
      const slope = slopeAlong(model, values, name, direction, Math.min(0.001, 0.0005 / length))
      const error = Math.abs(slope - length) / length
      if (error > worst.error) Object.assign(worst, { name, error })
    }
    t.diagnostic(
      `largest relative error ${worst.error.toExponential(1)} at ${worst.name}, of ${gradients.size} variables`,
    )
    assert.ok(worst.error < 0.03, `${worst.name}: ${worst.error}`)
  })

test('gradients on WASM equal those on plain JavaScript', async (t) => {
  const model = buildModel(config())
  const values = drawAll(model, 5)
  const wasm = gradientsOf(model, values)
  await tf.setBackend('cpu')
  const cpu = gradientsOf(model, values)
  await tf.setBackend('wasm')
  let worst = 0
  for (const [name, gradient] of cpu.gradients) {
    const scale = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))
    const apart = Math.sqrt(gradient.reduce((sum, g, i) => sum + (g - (wasm.gradients.get(name)?.[i] ?? 0)) ** 2, 0))
    worst = Math.max(worst, apart / scale)
  }
  t.diagnostic(`largest relative distance ${worst.toExponential(1)}`)
  assert.ok(worst < 1e-3, String(worst))
})

test('training yields a gradient for each trainable variable and a value for each statistic', () => {
  const model = buildModel(config())
  const { gradients, statistics } = gradientsOf(model, drawAll(model, 6))
  const kinds = (kind: string) => model.variables.filter((variable) => variable.kind === kind).map(({ name }) => name)
  assert.deepEqual([...gradients.keys()], kinds('trainable'))
  assert.deepEqual([...statistics.keys()].sort(), kinds('statistic').sort())
})

test('the frozen protocol trains only the head and does not change statistics', () => {
  const model = buildModel(config({ protocol: 'frozen', headSlices: 2 }))
  const { gradients, statistics } = gradientsOf(model, drawAll(model, 7))
  assert.deepEqual(
    [...gradients.keys()],
    ['head/slice_0/weights', 'head/slice_0/bias', 'head/slice_1/weights', 'head/slice_1/bias'],
  )
  assert.equal(statistics.size, 0)
  const body = model.variables.filter(({ restored }) => restored !== false)
  assert.ok(body.every(({ kind }) => kind === 'frozen'))
})

test('evaluation uses the moving statistics, training those of the batch', () => {
  const model = buildModel(config())
  const weights = drawWeights(model, 8)
  const logits = (training: boolean, batch: number) =>
    tf.tidy(() => {
      const images = image(4, PIXELS).slice([0, 0, 0, 0], [batch, -1, -1, -1])
      return [
        ...model
          .forward(weights, images as never, { training })
          .logits_BC.slice([0, 0], [1, -1])
          .dataSync(),
      ]
    })
  const close = (a: number[], b: number[]) => a.every((value, i) => Math.abs(value - (b[i] as number)) < 1e-4)
  assert.ok(close(logits(false, 4), logits(false, 1)), 'in evaluation an image does not depend on its batch')
  assert.ok(!close(logits(true, 4), logits(true, 1)), 'in training it does')
  const before = logits(false, 2)
  weights.get('root/moving_mean')?.dispose()
  weights.set('root/moving_mean', tf.fill([24], 3))
  assert.ok(!close(logits(false, 2), before), 'moving statistics are used')
  tf.dispose([...weights.values()])
})
