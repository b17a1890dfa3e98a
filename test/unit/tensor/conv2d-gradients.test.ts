import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, type GradientBackend, useBackend } from '../../support/backends.ts'
import { derivative, randomValues, someIndices, worstError } from './numeric.ts'
import { type ConvCase, outputShape, weightedConv } from './reference-conv.ts'

/** Tolerance for sums of some hundred float32 products of values below 1. */
const TOLERANCE = 2e-5
const COORDINATES = 16

before(async () => {
  await selectBackend('wasm', silentLog)
  await selectBackend('cpu', silentLog)
})

interface Operands {
  x: Float32Array
  w: Float32Array
  weight: Float32Array
}

function operands(shape: ConvCase): Operands {
  const length = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1)
  return {
    x: randomValues(length(shape.input), 1),
    w: randomValues(length(shape.filter), 2),
    weight: randomValues(length(outputShape(shape)), 3),
  }
}

async function gradientsOn(backend: GradientBackend | 'cpu', shape: ConvCase, { x, w, weight }: Operands) {
  await tf.setBackend(backend)
  const { pad } = shape
  const padding = typeof pad === 'string' ? pad : explicitPad(pad)
  const loss = (x_NHWC: Tensor4D, w_HWIO: Tensor4D) => {
    const y = tf.conv2d(
      x_NHWC,
      w_HWIO,
      [...shape.strides],
      padding,
      'NHWC',
      [...(shape.dilations ?? [1, 1])],
      typeof pad === 'string' ? undefined : 'floor',
    )
    return tf.sum(tf.mul(y, tf.tensor(weight, y.shape)))
  }
  const [dx, dw] = tf.tidy(() => {
    const inputs = [tf.tensor(x, [...shape.input]), tf.tensor(w, [...shape.filter])]
    return tf.grads(loss as never)(inputs)
  })
  const values = [dx, dw].map((tensor) => tensor?.dataSync() as Float32Array)
  tf.dispose([dx, dw].filter((tensor) => tensor !== undefined))
  return { dx: values[0] as Float32Array, dw: values[1] as Float32Array }
}

function explicitPad([top, bottom, left, right]: readonly [number, number, number, number]) {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ] as [[0, 0], [number, number], [number, number], [0, 0]]
}

/** @returns the largest error of the gradients on a backend; other gradients are to be equal, too */
async function checkCase(
  shape: ConvCase,
  { backend = 'wasm', others = ['cpu'] }: { backend?: GradientBackend; others?: 'cpu'[] } = {},
): Promise<number> {
  const given = operands(shape)
  const { x, w, weight } = given
  const own = await gradientsOn(backend, shape, given)
  const worst = new Map<string, number>()
  for (const other of others) {
    const { dx, dw } = await gradientsOn(other, shape, given)
    worst.set(`dx against ${other}`, worstError(own.dx, dx)).set(`dw against ${other}`, worstError(own.dw, dw))
  }
  const compare = (what: string, gradient: Float32Array, at: Float32Array, f: (values: Float64Array) => number) => {
    const indices = someIndices(at.length, COORDINATES)
    const some = indices.map((i) => gradient[i] as number)
    const slopes = indices.map((i) => derivative(f, at, i, 1))
    worst.set(`${what} against differences`, worstError(some, slopes))
  }
  compare('dx', own.dx, x, (values) => weightedConv(shape, values, w, weight))
  compare('dw', own.dw, w, (values) => weightedConv(shape, x, values, weight))
  for (const [what, error] of worst) assert.ok(error < TOLERANCE, `${JSON.stringify(shape)}: ${what} is ${error}`)
  return Math.max(...worst.values())
}

const KERNELS = [1, 3, 7]
const SIZES = [
  [9, 7],
  [8, 8],
  [7, 10],
] as const
const PADS: ConvCase['pad'][] = ['same', 'valid', [1, 2, 0, 3]]

test('convolution gradients on WASM equal finite differences and tfjs-cpu', async (t) => {
  let worst = 0
  for (const kernel of KERNELS) {
    for (const stride of [1, 2]) {
      for (const pad of PADS) {
        for (const [height, width] of SIZES) {
          const filter = [kernel, kernel, 3, 4] as const
          worst = Math.max(
            worst,
            await checkCase({ input: [2, height, width, 3], filter, strides: [stride, stride], pad }),
          )
        }
      }
    }
  }
  t.diagnostic(`largest error ${worst.toExponential(1)}`)
})

test('gradients of dilated convolutions equal finite differences on WASM and on tfjs-cpu', async (t) => {
  let worst = 0
  for (const dilations of [
    [2, 2],
    [4, 4],
    [2, 3],
    [1, 3],
  ] as const) {
    for (const pad of PADS) {
      for (const kernel of [1, 3]) {
        const filter = [kernel, kernel, 3, 4] as const
        worst = Math.max(worst, await checkCase({ input: [2, 11, 9, 3], filter, strides: [1, 1], dilations, pad }))
      }
    }
  }
  t.diagnostic(`largest error ${worst.toExponential(1)}`)
})

for (const backend of GRADIENT_BACKENDS)
  test(`gradients of the rates of DeepLab's head equal finite differences on ${backend}, beyond the picture too`, async (t) => {
    if (!(await useBackend(backend))) return t.skip('TensorFlow is not set up here')
    for (const rate of [1, 2, 4, 6, 12, 24]) {
      const shape: ConvCase = { input: [2, 11, 9, 3], filter: [3, 3, 3, 4], strides: [1, 1], pad: 'same' }
      await checkCase({ ...shape, dilations: [rate, rate] }, { backend, others: [] })
    }
  })

test('gradients for any small shape, stride, padding and number of channels equal finite differences and tfjs-cpu', async () => {
  const size = fc.integer({ min: 4, max: 9 })
  const kernel = fc.constantFrom(1, 2, 3, 4)
  const pads = fc.integer({ min: 0, max: 3 })
  const shapes = fc.record({
    sizes: fc.tuple(fc.constantFrom(1, 3), size, size),
    kernels: fc.tuple(kernel, kernel),
    channels: fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 18 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.oneof(fc.constantFrom('same' as const, 'valid' as const), fc.tuple(pads, pads, pads, pads)),
  })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ sizes, kernels, channels: [ci, co], ...rest }) => {
      await checkCase({ input: [...sizes, ci], filter: [...kernels, ci, co], ...rest })
    }),
    { numRuns: 60 },
  )
})

test('gradients leak no tensor', async () => {
  const shape: ConvCase = { input: [2, 8, 8, 3], filter: [3, 3, 3, 4], strides: [2, 2], pad: 'same' }
  await gradientsOn('wasm', shape, operands(shape))
  const before = tf.memory().numTensors
  for (let i = 0; i < 5; i++) await gradientsOn('wasm', shape, operands(shape))
  assert.equal(tf.memory().numTensors, before)
})
