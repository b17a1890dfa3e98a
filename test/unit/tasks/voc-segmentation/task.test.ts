import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackboneOptions, buildBackbone } from '../../../../src/models/backbone.ts'
import { disposeStep, valueAndGradients } from '../../../../src/models/gradients.ts'
import { createPass } from '../../../../src/models/layer.ts'
import type { Task } from '../../../../src/tasks/task.ts'
import type { MaskTarget } from '../../../../src/tasks/voc-segmentation/input.ts'
import { createTask } from '../../../../src/tasks/voc-segmentation/task.ts'
import { type Tensor, type Tensor4D, tf } from '../../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, useBackend } from '../../../support/backends.ts'
import { drawValues, drawWeights, image } from '../../models/builders.ts'

const VOID = 255
const SIDE = 17
const STRIDE = 4
const MINI = { classes: 3, outputStride: STRIDE, rates: [1, 2, 4, 6] }

function build(name: BackboneOptions['name'], options: object, rest: Partial<BackboneOptions> = {}): Task<MaskTarget> {
  const common = { name, freeze: 'none', batchNorm: { mode: 'trained', epsilon: 1e-3 } } as const
  return createTask(options, (settings) =>
    buildBackbone({ ...common, ...rest, ...(settings as object) }),
  ) as Task<MaskTarget>
}

function target(classAt: (i: number) => number, side = SIDE): MaskTarget {
  const size = { height: side, width: side }
  return { ...size, classes: Uint8Array.from({ length: side * side }, (_, i) => classAt(i)), seen: size }
}

function tensorsOf(task: Task<MaskTarget>, targets: readonly MaskTarget[]): Record<string, Tensor> {
  const encoded = Object.entries(task.encode(targets))
  return Object.fromEntries(encoded.map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]))
}

const TARGETS = [target((i) => (i % 5 === 0 ? VOID : i % 3)), target((i) => (Math.floor(i / SIDE) > 9 ? 2 : 0))]

function stepOf(task: Task<MaskTarget>, values: ReadonlyMap<string, Float32Array>, targets = TARGETS) {
  const weights = new Map(
    task.variables.map(({ name, shape }) => [name, tf.tensor(values.get(name)?.slice() ?? [], [...shape])]),
  )
  const given = tensorsOf(task, targets)
  const images = image(targets.length, SIDE)
  const result = valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, given))
  const loss = result.loss.dataSync()[0] as number
  const gradients = new Map([...result.gradients].map(([name, one]) => [name, one.dataSync() as Float32Array]))
  disposeStep(result)
  tf.dispose([images, ...weights.values(), ...Object.values(given)])
  return { loss, gradients }
}

for (const backend of GRADIENT_BACKENDS)
  test(`gradients of the head and of backbone filters equal the finite difference of the loss on ${backend}`, async (t) => {
    if (!(await useBackend(backend))) return t.skip('TensorFlow is not set up here')
    const task = build('resnet-mini', MINI)
    const values = new Map(task.variables.map((one) => [one.name, drawValues(one, 3)]))
    const { gradients } = stepOf(task, values)
    const worst = { name: '', error: 0 }
    const checked = [...gradients].filter(([name]) => /^aspp|(root|conv2)\/weights$/.test(name))
    assert.equal(checked.length, 8 + 5)
    for (const [name, gradient] of checked) {
      const length = Math.hypot(...gradient)
      const value = values.get(name) as Float32Array
      const h = 1e-3
      const at = (sign: number) => value.map((w, i) => w + (sign * h * (gradient[i] as number)) / length)
      const lossAt = (sign: number) => stepOf(task, new Map([...values, [name, at(sign)]])).loss
      const error = Math.abs((lossAt(1) - lossAt(-1)) / (2 * h) - length) / length
      if (error > worst.error) Object.assign(worst, { name, error })
    }
    t.diagnostic(`largest relative error ${worst.error.toExponential(1)}, ${worst.name}`)
    assert.ok(worst.error < 0.02, `${worst.name}: ${worst.error}`)
  })

test('the loss is the mean cross entropy over the logits that are not void', async () => {
  await useBackend('wasm')
  const task = build('resnet-mini', MINI)
  const weights = drawWeights(task, 1)
  const images = image(TARGETS.length, SIDE)
  const given = tensorsOf(task, TARGETS)
  const { loss, logits } = tf.tidy(() => {
    const pass = createPass(weights, { training: true })
    const { logits_BHWC } = task.infer(pass, images)
    const { loss } = task.objective(pass, images, given)
    return { loss: loss.dataSync()[0] as number, logits: logits_BHWC?.dataSync() as Float32Array }
  })
  const losses = TARGETS.flatMap(({ classes }, b) =>
    [0, 4, 8, 12, 16].flatMap((y, row) =>
      [0, 4, 8, 12, 16].flatMap((x, column) => {
        const label = classes[y * SIDE + x] as number
        if (label === VOID) return []
        const own = [...logits.subarray(((b * 5 + row) * 5 + column) * 3, ((b * 5 + row) * 5 + column + 1) * 3)]
        return [Math.log(own.reduce((sum, z) => sum + Math.exp(z), 0)) - (own[label] as number)]
      }),
    ),
  )
  const expected = losses.reduce((a, b) => a + b, 0) / losses.length
  assert.ok(losses.length < 50 && Math.abs(loss - expected) < 1e-5, `${loss}, ${expected}`)
  tf.dispose([images, ...weights.values(), ...Object.values(given)])
})

test('a batch whose masks are all void has loss 0 and gradients 0', async () => {
  await useBackend('wasm')
  const task = build('resnet-mini', MINI)
  const values = new Map(task.variables.map((one) => [one.name, drawValues(one, 3)]))
  const { loss, gradients } = stepOf(task, values, [target(() => VOID)])
  assert.equal(loss, 0)
  for (const [name, gradient] of gradients)
    assert.ok(
      gradient.every((value) => value === 0),
      name,
    )
})

test('a class beyond those of the model is refused', () => {
  const task = build('resnet-mini', MINI)
  const message = 'class 3: the model has 3 classes'
  assert.throws(() => task.encode([target(() => 3)]), { code: 'LABEL_UNKNOWN', message })
})

test('options that make no network are refused', () => {
  for (const [options, message] of [
    [{ ...MINI, classes: 256 }, /task: .*\n.*classes/],
    [{ ...MINI, rates: [6, 6] }, /task.rates: 6 is there twice/],
    [{ ...MINI, rates: [] }, /rates/],
    [{ ...MINI, outputStride: 8 }, /outputStride: 8: resnet-mini has 4/],
    [{ ...MINI, outputStride: 5 }, /outputStride/],
  ] as const)
    assert.throws(() => build('resnet-mini', options), { code: 'CONFIG_INVALID', message })
})

test('the backbone of the paper is dilated to stride 8, and gives 41×41 logits of 21 classes for 321×321 pixels', () => {
  const task = build('resnet101', {})
  const encoded = task.encode([target(() => 0, 321)])
  assert.deepEqual(encoded.targets_NC?.shape, [41 * 41, 21])
  const head = task.variables.filter(({ restored }) => restored === false)
  assert.deepEqual(head.map(({ name }) => name).slice(0, 2), ['aspp/rate_6/weights', 'aspp/rate_6/bias'])
  assert.equal(task.variables.length - head.length, 104 * 5)
})

for (const [pixels, logits] of [
  [33, 5],
  [40, 5],
] as const)
  test(`ResNet-50 gives ${logits}×${logits} logits for ${pixels} pixels, the size that targets have`, async () => {
    await useBackend('wasm')
    const task = build('resnet50', {}, { batchNorm: { mode: 'frozen', epsilon: 1e-5 } })
    const shape = tf.tidy(() => {
      const weights = new Map(task.variables.map(({ name, shape }) => [name, tf.zeros([...shape])]))
      return task.infer(createPass(weights, { training: false }), tf.zeros([1, pixels, pixels, 3]) as Tensor4D)
        .logits_BHWC?.shape
    })
    assert.deepEqual(shape, [1, logits, logits, 21])
    assert.deepEqual(task.encode([target(() => 0, pixels)]).targets_NC?.shape, [logits * logits, 21])
  })

test('ResNet-101 gives 41×41 logits of 21 classes for 321×321 pixels on native TensorFlow', async (t) => {
  if (!(await useBackend('tensorflow'))) return t.skip('TensorFlow is not set up here')
  const task = build('resnet101', {}, { batchNorm: { mode: 'frozen', epsilon: 1e-5 } })
  const shape = tf.tidy(() => {
    const weights = new Map(task.variables.map(({ name, shape }) => [name, tf.zeros([...shape])]))
    return task.infer(createPass(weights, { training: false }), tf.zeros([1, 321, 321, 3]) as Tensor4D).logits_BHWC
      ?.shape
  })
  assert.deepEqual(shape, [1, 41, 41, 21])
})
