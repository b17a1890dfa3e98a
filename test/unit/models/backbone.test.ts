import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { type BackboneOptions, buildBackbone } from '../../../src/models/backbone.ts'
import { calibrateBatchNorm } from '../../../src/models/calibration.ts'
import { createPass, type Weights } from '../../../src/models/layer.ts'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { sizeOf, type VariableSpec } from '../../../src/support/variables.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor, type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { drawWeights, image } from './builders.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

function options(settings: Partial<BackboneOptions> = {}): BackboneOptions {
  return { name: 'resnet-mini', freeze: 'none', batchNorm: { epsilon: 1e-3 }, ...settings }
}

const PLACEMENTS = ['lastUnit', 'firstUnit'] as const
const CHANNELS = { resnet18: [64, 128, 256, 512], resnet50: [256, 512, 1024, 2048] }

test('a backbone yields one feature for each block, of the strides from 4 to its output stride', () => {
  const strides = { 8: [4, 8, 8, 8], 16: [4, 8, 16, 16], 32: [4, 8, 16, 32] } as const
  for (const name of ['resnet18', 'resnet50', 'resnet101', 'resnet152'] as const) {
    const channels = CHANNELS[name === 'resnet18' ? name : 'resnet50']
    for (const stridePlacement of PLACEMENTS) {
      for (const outputStride of [8, 16, 32] as const) {
        const { features } = buildBackbone(options({ name, stridePlacement, outputStride }))
        const expected = strides[outputStride].map((stride, i) => ({ stride, channels: channels[i] }))
        assert.deepEqual(features, expected, `${name}, ${stridePlacement}, ${outputStride}`)
      }
      const whole = buildBackbone(options({ name, stridePlacement })).features
      assert.deepEqual(whole, buildBackbone(options({ name, stridePlacement, outputStride: 32 })).features)
    }
  }
  assert.deepEqual(buildBackbone(options()).features, [
    { stride: 2, channels: 64 },
    { stride: 4, channels: 96 },
    { stride: 4, channels: 128 },
  ])
})

test('strides, dilation and padding do not change the variables', () => {
  const variablesOf = (settings: Partial<BackboneOptions>) =>
    buildBackbone(options({ name: 'resnet50', ...settings })).variables
  const plain = variablesOf({})
  assert.equal(plain.length, 53 * 5)
  assert.deepEqual(variablesOf({ outputStride: 8 }), plain)
  assert.deepEqual(variablesOf({ stridePlacement: 'firstUnit', rootPadding: 'symmetric' }), plain)
  assert.equal(buildBackbone(options({ name: 'resnet101' })).variables.length, 104 * 5)
  assert.equal(buildBackbone(options({ name: 'resnet152' })).variables.length, 155 * 5)
  assert.equal(buildBackbone(options()).variables.length, 16 * 5)
  assert.equal(buildBackbone(options({ name: 'resnet18' })).variables.length, 20 * 5)
})

/** Fills every variable from one small pool of noise, because drawing millions of values takes too long. */
function pooledWeights(variables: readonly VariableSpec[]): Map<string, Tensor> {
  const random = createRandom(11)
  const pool = Float32Array.from({ length: 65_537 }, () => random.normal())
  let at = 0
  return new Map(
    variables.map(({ name, shape, init }) => {
      const centre = init.type === 'ones' ? 1 : 0
      const spread = init.type === 'normal' ? init.stddev : 0.1
      const values = new Float32Array(sizeOf(shape))
      for (let i = 0; i < values.length; i++) values[i] = centre + spread * (pool[at++ % pool.length] as number)
      return [name, tf.tensor(values, [...shape])]
    }),
  )
}

function featuresOf(settings: BackboneOptions, weights: Weights, images: Tensor4D, training = false): Tensor4D[] {
  return tf.tidy(() =>
    buildBackbone(settings)
      .apply(images, createPass(weights, { training }))
      .map(({ x_BHWC }) => x_BHWC),
  )
}

/** @returns the largest |a - b| divided by the largest |b| */
function distance(a: Tensor, b: Tensor): number {
  assert.deepEqual(a.shape, b.shape)
  return tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(a, b))), tf.max(tf.abs(b))).dataSync()[0] as number)
}

for (const stridePlacement of PLACEMENTS) {
  test(`features have the declared shapes, and dilated features contain the strided ones (${stridePlacement})`, (t) => {
    const pixels = 65
    const wide = options({ name: 'resnet50', stridePlacement, rootPadding: 'symmetric' })
    const { features, variables } = buildBackbone(wide)
    const weights = pooledWeights(variables)
    const images = image(1, pixels)
    const strided = featuresOf(wide, weights, images)
    const shapes = features.map(({ stride, channels }) => [
      1,
      (pixels - 1) / stride + 1,
      (pixels - 1) / stride + 1,
      channels,
    ])
    assert.deepEqual(
      strided.map(({ shape }) => shape),
      shapes,
    )
    for (const outputStride of [8, 16] as const) {
      const dense = featuresOf({ ...wide, outputStride }, weights, images).at(-1) as Tensor4D
      const every = 32 / outputStride
      const picked = tf.tidy(() => tf.maxPool(dense, 1, every, 'same'))
      const error = distance(picked, strided.at(-1) as Tensor4D)
      t.diagnostic(`output stride ${outputStride}: ${dense.shape}, apart by ${error.toExponential(1)}`)
      assert.equal(dense.shape[1], (pixels - 1) / outputStride + 1)
      assert.ok(error < 1e-5, String(error))
      tf.dispose([dense, picked])
    }
    tf.dispose([images, ...strided, ...weights.values()])
  })
}

/** @returns the output heights of the 3×3 convolutions in the order in which they run */
async function heights(settings: BackboneOptions, pixels: number): Promise<number[]> {
  const weights = new Map(
    buildBackbone(settings).variables.map(({ name, shape }) => [name, tf.zeros([...shape])] as const),
  )
  const images = image(1, pixels)
  const { kernels } = await tf.profile(() => tf.dispose(featuresOf(settings, weights, images)))
  tf.dispose([images, ...weights.values()])
  return kernels
    .filter(
      ({ name, inputShapes }) => name === 'Conv2D' && inputShapes.some((shape) => shape?.slice(0, 2).join() === '3,3'),
    )
    .map(({ outputShapes }) => outputShapes[0]?.[1] as number)
}

test('the stride is in the first 3×3 of the next block as in torchvision, or in the last of a block as in slim', async () => {
  const torchvision = [16, 16, 16, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2, 2]
  const slim = [16, 16, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4, 2, 2, 2, 2]
  assert.deepEqual(await heights(options({ name: 'resnet50', stridePlacement: 'firstUnit' }), 64), torchvision)
  assert.deepEqual(await heights(options({ name: 'resnet50', stridePlacement: 'lastUnit' }), 64), slim)
})

test('frozen stages are frozen with their batch norm, and the other stages train', () => {
  const plain = buildBackbone(options()).variables
  const stageOf = (name: string) => (name.startsWith('root') ? 0 : Number(name[5]))
  for (const stages of [0, 1, 2, 4]) {
    const { variables } = buildBackbone(options({ freeze: { stages } }))
    const expected = plain.map((variable) =>
      stageOf(variable.name) < stages ? { ...variable, kind: 'frozen' } : variable,
    )
    assert.deepEqual(variables, expected)
  }
  const all = buildBackbone(options({ freeze: 'all' })).variables
  assert.deepEqual(all, buildBackbone(options({ freeze: { stages: 4 } })).variables)
})

test('a frozen stage has no gradients and computes as in evaluation, independent of the rest of the batch', () => {
  const frozen = options({ freeze: { stages: 2 } })
  const weights = drawWeights(buildBackbone(frozen), 5)
  const images = image(3, 12)
  const pass = createPass(weights, { training: true })
  const trained = buildBackbone(frozen).apply(images, pass)
  const measured = [...pass.statistics.keys()]
  assert.ok(measured.length > 0 && measured.every((name) => !name.startsWith('root') && !name.startsWith('block1')))
  const evaluated = featuresOf(frozen, weights, images)
  assert.equal(distance(trained[0]?.x_BHWC as Tensor4D, evaluated[0] as Tensor4D), 0)
  assert.ok(distance(trained[1]?.x_BHWC as Tensor4D, evaluated[1] as Tensor4D) > 1e-3)
})

test('frozen batch norm, folded into the convolutions, equals batch norm with moving statistics', (t) => {
  const weights = drawWeights(buildBackbone(options()), 6)
  const images = image(2, 16)
  const unfolded = featuresOf(options(), weights, images)
  for (const training of [true, false]) {
    const folded = featuresOf(options({ batchNorm: { mode: 'frozen', epsilon: 1e-3 } }), weights, images, training)
    const errors = folded.map((feature, i) => distance(feature, unfolded[i] as Tensor4D))
    t.diagnostic(`apart by ${errors.map((error) => error.toExponential(1)).join(', ')}`)
    assert.ok(errors.every((error) => error < 1e-5))
  }
})

test('with frozen batch norm only the convolutions train, not gamma, beta and statistics', () => {
  const { variables } = buildBackbone(options({ batchNorm: { mode: 'frozen', epsilon: 1e-3 } }))
  for (const { name, kind } of variables) assert.equal(kind, name.endsWith('/weights') ? 'trainable' : 'frozen', name)
})

test('frozen batch norm with calibrated statistics equals training on the same images', (t) => {
  const weights = drawWeights(buildBackbone(options()), 7)
  const images = image(4, 16)
  const frozen = options({ batchNorm: { mode: 'frozen', epsilon: 1e-3 } })
  const tensors = tf.memory().numTensors
  const statistics = calibrateBatchNorm(frozen, weights, images)
  assert.equal(tf.memory().numTensors - tensors, 2 * 16)
  const calibrated = featuresOf(frozen, new Map([...weights, ...statistics]), images)
  const measured = featuresOf(options(), weights, images, true)
  const errors = calibrated.map((feature, i) => distance(feature, measured[i] as Tensor4D))
  t.diagnostic(`apart by ${errors.map((error) => error.toExponential(1)).join(', ')}`)
  assert.ok(errors.every((error) => error < 1e-5))
  assert.ok(distance(featuresOf(frozen, weights, images)[2] as Tensor4D, measured[2] as Tensor4D) > 0.1)
})

test('a split backbone has the same variables, and its trunk computes the feature before the last block', (t) => {
  for (const stridePlacement of PLACEMENTS) {
    const strided = options({ name: 'resnet50', stridePlacement })
    const backbone = buildBackbone({ ...strided, outputStride: 16 })
    const { trunk, head } = buildBackbone(strided).split()
    assert.deepEqual([...trunk.variables, ...head.variables], backbone.variables)
    assert.deepEqual([trunk.stride, trunk.channels, head.channels], [16, 1024, 2048])
    const weights = pooledWeights(backbone.variables)
    const images = image(1, 40)
    const pass = createPass(weights, { training: false })
    const feature = trunk.apply(images, pass)
    assert.equal(distance(feature, backbone.apply(images, pass).at(-2)?.x_BHWC as Tensor4D), 0)
    const crops = tf.concat([feature, feature]).slice([0, 0, 0, 0], [2, 3, 3, 1024]) as Tensor4D
    const output = head.apply(crops, pass)
    assert.deepEqual(output.shape, [2, 3, 3, 2048], 'the head has no stride')
    t.diagnostic(`${stridePlacement}: from ${feature.shape} to ${output.shape}`)
  }
})

test('where the last block has no stride, the head after the trunk computes the whole network', () => {
  const weights = drawWeights(buildBackbone(options()), 9)
  const pass = createPass(weights, { training: false })
  const images = image(2, 13)
  const { trunk, head } = buildBackbone(options()).split()
  const output = head.apply(trunk.apply(images, pass), pass)
  assert.equal(distance(output, buildBackbone(options()).apply(images, pass).at(-1)?.x_BHWC as Tensor4D), 0)
})

test('the stages of a split backbone are frozen as those of the whole', () => {
  const frozen = options({ freeze: { stages: 3 } })
  const { trunk, head } = buildBackbone(frozen).split()
  assert.deepEqual([...trunk.variables, ...head.variables], buildBackbone(frozen).variables)
})

test('input normalisation converts pixels in [-1, 1] to standardised pixels', (t) => {
  const mean = [0.485, 0.456, 0.406] as const
  const stddev = [0.229, 0.224, 0.225] as const
  const weights = drawWeights(buildBackbone(options()), 8)
  const images = image(2, 9)
  const standardised = tf.tidy(
    () => tf.div(tf.sub(tf.div(tf.add(images, 1), 2), tf.tensor1d([...mean])), tf.tensor1d([...stddev])) as Tensor4D,
  )
  const normalised = featuresOf(options({ input: { type: 'standardised', mean, stddev } }), weights, images)
  const expected = featuresOf(options(), weights, standardised)
  const errors = normalised.map((feature, i) => distance(feature, expected[i] as Tensor4D))
  t.diagnostic(`apart by ${errors.map((error) => error.toExponential(1)).join(', ')}`)
  assert.ok(errors.every((error) => error < 1e-5))
})

test('unsupported options of a backbone are refused by name', () => {
  const refused = (settings: Partial<BackboneOptions>, message: RegExp) =>
    assert.throws(() => buildBackbone(options(settings)), { code: 'CONFIG_INVALID', message })
  refused({ outputStride: 8 }, /outputStride: 8: resnet-mini has 4/)
  refused({ freeze: { stages: 5 } }, /freeze\.stages: 5/)
})
