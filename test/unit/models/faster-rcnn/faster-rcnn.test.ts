import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { buildBackbone } from '../../../../src/models/backbone.ts'
import { anchorBoxes } from '../../../../src/models/faster-rcnn/anchors.ts'
import { clipBoxes } from '../../../../src/models/faster-rcnn/boxes.ts'
import { fasterRcnn } from '../../../../src/models/faster-rcnn/faster-rcnn.ts'
import type { DetectorTarget, FasterRcnn } from '../../../../src/models/faster-rcnn/types.ts'
import { disposeStep, type Objective, valueAndGradients } from '../../../../src/models/gradients.ts'
import { createPass, type Pass, type Weights } from '../../../../src/models/layer.ts'
import { type Scalar, type Tensor, type Tensor4D, tf } from '../../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, useBackend } from '../../../support/backends.ts'
import { drawWeights, image } from '../builders.ts'
import { detector, OPTIONS, targetOf } from './builders.ts'

const SIZE = { height: 48, width: 48 }
const OBJECTS = [
  [4, 6, 22, 26],
  [20, 18, 44, 40],
]
const TARGETS = [targetOf(SIZE, OBJECTS, { seed: 3 }), targetOf(SIZE, [], { seed: 4 })]

before(async () => void (await useBackend('wasm')))

function tensorsOf(net: FasterRcnn, targets: readonly DetectorTarget[]): Record<string, Tensor> {
  const encoded = Object.entries(net.encode(targets))
  return Object.fromEntries(encoded.map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]))
}

/** Multiplies the weights whose name matches. */
function scaled(weights: Weights, names: RegExp, by: number): Map<string, Tensor> {
  return new Map([...weights].map(([name, tensor]) => [name, names.test(name) ? tf.mul(tensor, by) : tensor]))
}

function partsOf(net: FasterRcnn, weights: Weights, targets: readonly DetectorTarget[]): Record<string, number> {
  return tf.tidy(() => {
    const images = image(targets.length, targets[0]?.padded.height ?? 0)
    const { loss, parts } = net.objective(createPass(weights, { training: true }), images, tensorsOf(net, targets))
    const numbers = Object.entries({ loss, ...parts }).map(([name, part]) => [name, part.dataSync()[0] as number])
    return Object.fromEntries(numbers)
  })
}

const near = (a: number | undefined, b: number) =>
  assert.ok(Math.abs((a as number) - b) < 1e-5 * Math.max(1, b), `${a} for ${b}`)

test('without predictions the losses are ln 2, ln (K + 1), and twice the mean smooth L1 of the codes', () => {
  const net = detector()
  const weights = scaled(drawWeights(net, 1), /^(proposer|box)\//, 0)
  const parts = partsOf(net, weights, TARGETS)
  near(parts.proposalClass, Math.LN2)
  near(parts.boxClass, Math.log(OPTIONS.classes + 1))
  const { codes_BA4, codeWeight_BA } = net.encode(TARGETS)
  near(parts.proposalBox, 2 * smoothSum(codes_BA4?.values, codeWeight_BA?.values))
  near(
    parts.loss,
    Object.entries(parts).reduce((sum, [name, part]) => (name === 'loss' ? sum : sum + part), 0),
  )
})

function smoothSum(codes: ArrayLike<number> = [], weights: ArrayLike<number> = []): number {
  return Array.from(weights, (weight, i) => {
    const four = Array.from({ length: 4 }, (_, k) => Math.abs(codes[4 * i + k] as number))
    return weight * four.reduce((sum, d) => sum + (d < 1 ? d * d * 0.5 : d - 0.5), 0)
  }).reduce((a, b) => a + b, 0)
}

interface GradientCase {
  readonly parts: readonly [string, string]
  /** Weights that are 0, so that proposals stay where they are: no gradient passes through them. */
  readonly zeros: RegExp
  readonly variables: RegExp
}

const CASES: Readonly<Record<string, GradientCase>> = {
  'first stage': {
    parts: ['proposalClass', 'proposalBox'],
    zeros: /^none$/,
    variables: /^(root|block[12]|proposer)\//,
  },
  'second stage': {
    parts: ['boxClass', 'boxBox'],
    zeros: /^proposer\/(objectness|codes)\/weights/,
    variables: /^(root|block|box)/,
  },
}

for (const backend of GRADIENT_BACKENDS)
  for (const [stage, { parts: names, zeros, variables }] of Object.entries(CASES))
    test(`gradients of the ${stage} equal finite differences of its loss on ${backend}`, async (t) => {
      if (!(await useBackend(backend))) return t.skip('TensorFlow is not set up here')
      const net = detector()
      // The weights of the first steps are so small that differences drown in rounding.
      const weights = scaled(scaled(drawWeights(net, 2), /^(proposer|box)\//, 10), zeros, 0)
      const given = tensorsOf(net, TARGETS)
      const images = image(2, SIZE.height)
      const objective = (pass: Pass): Objective => {
        const { parts } = net.objective(pass, images, given)
        return { loss: tf.addN(names.map((name) => parts[name] as Scalar)) as Scalar, parts: {} }
      }
      const own = net.variables.filter(({ name }) => variables.test(name) && !zeros.test(name))
      const result = valueAndGradients(own, weights, objective)
      let worst = { name: '', error: 0 }
      for (const [name, gradient] of result.gradients) {
        const error = slopeError(weights, name, gradient, objective)
        if (error > worst.error) worst = { name, error }
      }
      disposeStep(result)
      const compared = result.gradients.size
      t.diagnostic(`largest relative error ${worst.error.toExponential(1)} at ${worst.name}, of ${compared} variables`)
      assert.ok(compared > 10)
      assert.ok(worst.error < 0.015, `${worst.name}: ${worst.error}`)
    })

/** Along the gradient the slope equals its length: all values count, and rounding has the least effect. */
function slopeError(weights: Weights, name: string, gradient: Tensor, objective: (pass: Pass) => Objective): number {
  return tf.tidy(() => {
    const length = tf.norm(gradient).dataSync()[0] as number
    const h = Math.min(0.001, 0.0005 / length)
    const lossAt = (by: number) => {
      const moved = tf.add(weights.get(name) as Tensor, tf.mul(gradient, by / length))
      return objective(
        createPass(new Map([...weights, [name, moved]]), { training: true }),
      ).loss.dataSync()[0] as number
    }
    return Math.abs((lossAt(h) - lossAt(-h)) / (2 * h) - length) / length
  })
}

const VANISHED = [
  [10, 10, 10.2, 40],
  [47.9, 0, 90, 20],
]
const HARD_BATCHES: Readonly<Record<string, DetectorTarget[]>> = {
  'no object': [targetOf(SIZE, []), targetOf(SIZE, [])],
  'objects that vanish': [targetOf(SIZE, VANISHED)],
  'crowds alone': [targetOf(SIZE, [[0, 0, 48, 48]], { ignored: [1] })],
  'a picture much smaller than its padding': [{ ...targetOf(SIZE, [[0, 0, 2, 3]]), size: { height: 2, width: 3 } }],
}

for (const [name, targets] of Object.entries(HARD_BATCHES))
  test(`a batch with ${name} has a finite loss and finite gradients`, () => {
    const net = detector()
    const weights = drawWeights(net, 5)
    const given = tensorsOf(net, targets)
    const images = image(targets.length, SIZE.height)
    const result = valueAndGradients(net.variables, weights, (pass) => net.objective(pass, images, given))
    assert.ok(Number.isFinite(result.loss.dataSync()[0]))
    for (const [variable, gradient] of result.gradients)
      assert.ok((gradient.dataSync() as Float32Array).every(Number.isFinite), variable)
    if (name === 'no object') assert.equal(result.parts.boxBox?.dataSync()[0], 0)
  })

test('one seed has one loss, and another seed samples other boxes', () => {
  const net = detector()
  const weights = drawWeights(net, 6)
  const lossOf = (seed: number) => partsOf(net, weights, [targetOf(SIZE, OBJECTS, { seed })]).loss
  assert.equal(lossOf(1), lossOf(1))
  assert.notEqual(lossOf(1), lossOf(2))
})

test('a frozen backbone trains the own variables of the two stages only', () => {
  const net = detector({ freeze: 'all' })
  const weights = drawWeights(net, 10)
  const given = tensorsOf(net, TARGETS)
  const result = valueAndGradients(net.variables, weights, (pass) => net.objective(pass, image(2, SIZE.height), given))
  const own = ['proposer/conv', 'proposer/objectness', 'proposer/codes', 'box/classes', 'box/codes']
  assert.deepEqual(
    [...result.gradients.keys()],
    own.flatMap((name) => [`${name}/weights`, `${name}/bias`]),
  )
  assert.equal(result.statistics.size, 0)
  disposeStep(result)
})

test('trained batch norm measures its statistics in both stages', () => {
  const net = detector({ mode: 'trained' })
  const weights = drawWeights(net, 11)
  const given = tensorsOf(net, TARGETS)
  const result = valueAndGradients(net.variables, weights, (pass) => net.objective(pass, image(2, SIZE.height), given))
  const expected = net.variables.filter(({ kind }) => kind === 'statistic').map(({ name }) => name)
  assert.deepEqual([...result.statistics.keys()].sort(), expected.sort())
  assert.ok(expected.some((name) => name.startsWith('block3/')))
  disposeStep(result)
})

test('a maximum over more pixels than a crop has is refused', () => {
  const backbone = buildBackbone({ name: 'resnet-mini', freeze: 'none', batchNorm: { epsilon: 1e-3 } })
  const options = { ...OPTIONS, crop: { size: 2, pool: 3 } }
  assert.throws(() => fasterRcnn(options, backbone), { code: 'CONFIG_INVALID', message: /cropPool: 3/ })
})

test('a step leaves no tensor behind', () => {
  const net = detector()
  const weights = drawWeights(net, 7)
  const given = tensorsOf(net, TARGETS)
  const images = image(2, SIZE.height)
  const step = () =>
    disposeStep(valueAndGradients(net.variables, weights, (pass) => net.objective(pass, images, given)))
  step()
  const before = tf.memory().numTensors
  step()
  assert.equal(tf.memory().numTensors, before)
})

function inferred(net: FasterRcnn, weights: Weights, images: Tensor4D, size?: Tensor) {
  return tf.tidy(() => {
    const outputs = net.infer(createPass(weights, { training: false }), images, size)
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        name,
        { shape: tensor.shape, values: tensor.dataSync() as Float32Array },
      ]),
    )
  })
}

test('inference yields as many proposals as the options say, and detections inside of each picture', () => {
  const net = detector()
  const weights = drawWeights(net, 8)
  const images = image(2, SIZE.height)
  const sizes = [SIZE, { height: 30, width: 40 }]
  const size_B2 = tf.tensor2d([48, 48, 30, 40], [2, 2], 'int32')
  const outputs = inferred(net, weights, images, size_B2)
  const { count } = OPTIONS.proposals
  assert.deepEqual(outputs.proposals_BP4?.shape, [2, count, 4])
  assert.deepEqual(outputs.logits_BPC?.shape, [2, count, OPTIONS.classes + 1])
  assert.deepEqual(outputs.codes_BPK4?.shape, [2, count, OPTIONS.classes, 4])
  const detections = net.decode(outputs, sizes)
  detections.forEach(({ boxes, classes, scores }, i) => {
    assert.ok(scores.length > 0 && scores.length === classes.length && boxes.length === 4 * scores.length)
    assert.deepEqual(clipBoxes(boxes, sizes[i] as typeof SIZE), boxes)
    assert.deepEqual(scores, scores.toSorted().reverse())
  })
  const second = images.slice([1, 0, 0, 0], [1, -1, -1, -1]) as Tensor4D
  const alone = net.decode(inferred(net, weights, second, tf.tensor2d([30, 40], [1, 2], 'int32')), sizes.slice(1))
  assert.deepEqual(alone[0]?.classes, detections[1]?.classes, 'an image does not depend on its batch')
})

test('the anchors of the network are those of its feature', () => {
  const net = detector()
  const { codes_BA4 } = net.encode([targetOf({ height: 33, width: 50 }, [])])
  const cells = Math.ceil(33 / 4) * Math.ceil(50 / 4)
  assert.equal(codes_BA4?.shape[1], anchorBoxes(OPTIONS.anchors, { height: 1, width: cells }, 4).length / 4)
  const images = tf.zeros([1, 33, 50, 3]) as Tensor4D
  assert.ok(net.decode(inferred(net, drawWeights(net, 9), images), [{ height: 33, width: 50 }])[0])
})
