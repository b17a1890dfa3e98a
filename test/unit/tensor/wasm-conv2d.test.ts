/** The kernel Conv2D that replaces the one of tfjs on WASM. conv2d-gradients.test.ts tests its gradients. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { operations } from '../../../src/tensor/operations.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { buildTensorKernels } from '../../../tools/tensor-kernels/build.ts'
import { randomValues, worstError } from './numeric.ts'
import { type ConvCase, outputShape, weightedConv } from './reference-conv.ts'

const TOLERANCE = 2e-5

before(() => selectBackend('wasm', silentLog))

test('wasm-kernels.wasm equals the build of its source', async () => {
  const committed = readFileSync(new URL('../../../src/tensor/wasm-kernels.wasm', import.meta.url))
  assert.ok(Buffer.from(await buildTensorKernels()).equals(committed), 'run `npm run generate`')
})

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** @returns the largest error of 24 values of the output that are spread evenly */
function checkForward(shape: ConvCase): number {
  const [x, w] = [randomValues(sizeOf(shape.input), 1), randomValues(sizeOf(shape.filter), 2)]
  const { strides, pad, dilations = [1, 1] } = shape
  const padding = typeof pad === 'string' ? pad : [[0, 0], pad.slice(0, 2), pad.slice(2), [0, 0]]
  const rounding = typeof pad === 'string' ? undefined : 'floor'
  const y = tf.tidy(() => {
    const operands = [tf.tensor(x, [...shape.input]), tf.tensor(w, [...shape.filter])] as [Tensor4D, Tensor4D]
    return tf.conv2d(...operands, [...strides], padding as 'same', 'NHWC', [...dilations], rounding)
  })
  assert.deepEqual(y.shape, outputShape(shape))
  const values = y.dataSync()
  y.dispose()
  const indices = Array.from({ length: 24 }, (_, i) => Math.floor((i * values.length) / 24))
  const expected = indices.map((i) => {
    const only = new Float32Array(values.length)
    only[i] = 1
    return weightedConv(shape, x, w, only)
  })
  return worstError(
    indices.map((i) => values[i] as number),
    expected,
  )
}

test('a convolution of any small shape, stride, dilation and padding equals the float64 reference', () => {
  const side = fc.integer({ min: 5, max: 9 })
  const kernel = fc.constantFrom(1, 2, 3, 4)
  const step = fc.integer({ min: 1, max: 3 })
  const pads = fc.integer({ min: 0, max: 3 })
  const cases = fc.record({
    images: fc.constantFrom(1, 3),
    sides: fc.tuple(side, side),
    kernels: fc.tuple(kernel, kernel),
    channels: fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 18 })),
    steps: fc.tuple(step, step),
    dilate: fc.boolean(),
    pad: fc.oneof(fc.constantFrom('same' as const, 'valid' as const), fc.tuple(pads, pads, pads, pads)),
  })
  fc.assert(
    fc.property(cases, ({ images, sides, kernels, channels: [ci, co], steps, dilate, pad }) => {
      const spans = kernels.map((kernel, i) => (dilate ? (kernel - 1) * (steps[i] as number) + 1 : kernel))
      fc.pre(pad === 'same' || spans.every((span, i) => span <= (sides[i] as number)))
      const apart = dilate ? { strides: [1, 1] as const, dilations: steps } : { strides: steps }
      const error = checkForward({ input: [images, ...sides, ci], filter: [...kernels, ci, co], pad, ...apart })
      assert.ok(error < TOLERANCE, String(error))
    }),
    { numRuns: 150 },
  )
})

test('so does one with more pixels and channels than a block has', () => {
  for (const [input, filter] of [
    [
      [1, 9, 40, 5],
      [3, 3, 5, 11],
    ],
    [
      [2, 3, 3, 1030],
      [1, 1, 1030, 9],
    ],
    [
      [1, 2, 2, 520],
      [3, 3, 520, 17],
    ],
  ] as const) {
    const error = checkForward({ input, filter, strides: [1, 1], pad: 'same' })
    assert.ok(error < 1e-4, `${input}: ${error}`)
  }
})

test('a convolution and its gradients are bit by bit the same when they are repeated', () => {
  const shape = [3, 9, 7, 20] as const
  const x = tf.tensor4d(randomValues(sizeOf(shape), 1), [...shape])
  const filter = tf.tensor4d(randomValues(3 * 3 * 20 * 13, 2), [3, 3, 20, 13])
  const attributes = {
    strides: [1, 1] as [number, number],
    dilations: [1, 1] as [number, number],
    pad: 'same' as const,
  }
  const once = () =>
    tf.tidy(() => {
      const y = tf.conv2d(x, filter, 1, 'same')
      const gradients = operations().conv2dGradients(y, x, filter, attributes)
      return [y, gradients.x(), gradients.filter()].map((tensor) => Buffer.from(tensor.dataSync().buffer))
    })
  const first = once()
  const inTheWay = tf.ones([1, 1000])
  assert.deepEqual(once(), first)
  tf.dispose([x, filter, inTheWay])
})
