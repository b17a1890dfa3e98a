import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackboneOptions, buildBackbone } from '../../../../src/models/backbone.ts'
import { disposeStep, valueAndGradients } from '../../../../src/models/gradients.ts'
import { createPass } from '../../../../src/models/layer.ts'
import { sizeOf } from '../../../../src/support/variables.ts'
import type { Pose } from '../../../../src/tasks/coco-pose/pose.ts'
import type { PoseTarget } from '../../../../src/tasks/coco-pose/target.ts'
import { createTask } from '../../../../src/tasks/coco-pose/task.ts'
import type { Task } from '../../../../src/tasks/task.ts'
import { type Tensor4D, tf } from '../../../../src/tensor/tf.ts'
import { valueTensors } from '../../../../src/tensor/value-tensors.ts'
import { useBackend } from '../../../support/backends.ts'
import { drawWeights } from '../../models/builders.ts'
import { K, somewhere, target } from './builders.ts'

const FULL = { height: 353, width: 257 }
const MINI = { outputStride: 4 }
const FROZEN = { batchNorm: { mode: 'frozen', epsilon: 1e-5 } } as const

function build(name: BackboneOptions['name'], options: object, rest: Partial<BackboneOptions> = {}) {
  const common = { name, freeze: 'none', batchNorm: { mode: 'trained', epsilon: 1e-3 } } as const
  return createTask(options, (settings) => buildBackbone({ ...common, ...rest, ...(settings as object) }))
}

/** Shapes of the maps of black crops, with weights of 0. */
function mapShapes(task: Task<PoseTarget, Pose | undefined>, { height, width }: typeof FULL) {
  return tf.tidy(() => {
    const weights = new Map(task.variables.map(({ name, shape }) => [name, tf.zeros([...shape])]))
    const outputs = task.infer(createPass(weights, { training: false }), tf.zeros([1, height, width, 3]) as Tensor4D)
    return Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, shape])) as never
  }) as Record<string, number[]>
}

test('the network of the paper is ResNet-101 with 17 and 34 channels of 1×1 convolutions', () => {
  const { variables, encode } = build('resnet101', {})
  const head = variables.filter(({ restored }) => restored === false)
  assert.deepEqual(
    head.map(({ shape }) => shape),
    [[1, 1, 2048, K], [K], [1, 1, 2048, 2 * K], [2 * K]],
  )
  const backbone = variables.filter(({ restored }) => restored !== false)
  assert.equal(
    backbone.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    42_605_504,
  )
  assert.deepEqual(encode([target(somewhere(1), { size: FULL, diskRadius: 25 })]).disk_BHWK?.shape, [1, 353, 257, K])
})

test('ResNet-50 gives maps of stride 8, the size that targets have', async () => {
  await useBackend('wasm')
  const size = { height: 33, width: 25 }
  const task = build('resnet50', {}, FROZEN)
  assert.deepEqual(mapShapes(task, size), { heat_BHWK: [1, 5, 4, K], offsets_BHW2K: [1, 5, 4, 2 * K] })
  assert.deepEqual(task.encode([target(somewhere(1), { size })]).disk_BHWK?.shape, [1, 33, 25, K])
})

test('ResNet-101 gives 45×33 maps of 17 and 34 channels for 353×257 pixels on native TensorFlow', async (t) => {
  if (!(await useBackend('tensorflow'))) return t.skip('TensorFlow is not set up here')
  const expected = { heat_BHWK: [1, 45, 33, K], offsets_BHW2K: [1, 45, 33, 2 * K] }
  assert.deepEqual(mapShapes(build('resnet101', {}, FROZEN), FULL), expected)
})

test('the auxiliary loss trains heatmaps of the block before, which must have the same stride', async () => {
  await useBackend('wasm')
  const task = build('resnet-mini', { ...MINI, auxiliaryLoss: true })
  const weights = drawWeights(task, 1)
  const targets = [target(somewhere(1))]
  const tensors = valueTensors(task.encode(targets))
  const images = tf.randomUniform([1, 16, 12, 3], -1, 1, 'float32', 1) as Tensor4D
  const step = valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, tensors))
  const parts = Object.values(step.parts).map((part) => part.dataSync()[0] as number)
  const loss = step.loss.dataSync()[0] as number
  assert.deepEqual(Object.keys(step.parts), ['heatmap', 'offset', 'auxiliary'])
  assert.ok(Math.abs(loss - parts.reduce((a, b) => a + b)) < 1e-5)
  for (const name of ['heatmap', 'offset', 'auxiliary'])
    assert.ok(
      step.gradients
        .get(`head/${name}/weights`)
        ?.dataSync()
        .some((value) => value !== 0),
      name,
    )
  disposeStep(step)
  tf.dispose([images, ...Object.values(tensors), ...weights.values()])
  const message = /auxiliaryLoss: the last two blocks of the backbone have strides 16 and 32.*outputStride: 16/
  assert.throws(() => build('resnet50', { outputStride: 32, auxiliaryLoss: true }), { code: 'CONFIG_INVALID', message })
})

test('a batch without labelled keypoints has loss 0 and gradients 0', async () => {
  await useBackend('wasm')
  const task = build('resnet-mini', MINI)
  const weights = drawWeights(task, 2)
  const tensors = valueTensors(task.encode([target(somewhere(1).map((value, i) => (i % 3 === 2 ? 0 : value)))]))
  const images = tf.randomUniform([1, 16, 12, 3], -1, 1, 'float32', 2) as Tensor4D
  const step = valueAndGradients(task.variables, weights, (pass) => task.objective(pass, images, tensors))
  assert.equal(step.loss.dataSync()[0], 0)
  for (const [name, gradient] of step.gradients)
    assert.ok(
      gradient.dataSync().every((value) => value === 0),
      name,
    )
  disposeStep(step)
  tf.dispose([images, ...Object.values(tensors), ...weights.values()])
})

test('decoding gives a pose in pixels of the picture, and none for a picture without a box', () => {
  const task = build('resnet-mini', MINI)
  const crop = { left: 100, top: 40, scale: 2, isFlipped: false }
  const place = { crop, box: [104, 44, 10, 20] as const, boxScore: 0.5 }
  const scoring = { image: '1', label: 3, persons: [], place }
  const sure = target([], { scoring })
  const blank = target([], { scoring: { ...scoring, place: undefined } })
  const cells = Array.from({ length: 2 * 4 * 3 }, (_, i) => i % 12)
  const heat_BHWK = { shape: [2, 4, 3, K], values: new Float32Array(2 * 12 * K).fill(9) }
  // Every cell points at (5, 7).
  const offsets = cells.flatMap((cell) =>
    Array.from({ length: 2 * K }, (_, c) => (c < K ? 5 - (cell % 3) * 4 : 7 - Math.floor(cell / 3) * 4)),
  )
  const outputs = { heat_BHWK, offsets_BHW2K: { shape: [2, 4, 3, 2 * K], values: Float32Array.from(offsets) } }
  const [pose, none] = task.decode(outputs, [sure, blank])
  assert.equal(none, undefined)
  assert.equal(pose?.keypoints.length, 3 * K)
  for (const [i, value] of (pose?.keypoints ?? []).entries())
    assert.ok(Math.abs(value - ([110.5, 54.5, 2][i % 3] as number)) < 1e-4, `${i}: ${value}`)
  // 13·9 positions vote with σ(9) for a pixel; the score is a half because of the box's.
  assert.ok(Math.abs((pose?.score ?? 0) - (0.5 * 13 * 9) / (1 + Math.exp(-9)) / (Math.PI * 9)) < 1e-4)
  assert.deepEqual(task.results?.(pose, sure), [{ label: 3, keypoints: pose?.keypoints, score: pose?.score }])
  assert.deepEqual(task.results?.(none, blank), [])
})
