import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { operations } from '../../../src/tensor/operations.ts'
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { useBackend } from '../../support/backends.ts'
import { derivative, randomValues, worstError } from './numeric.ts'

const EPSILON = 1e-3
const STEP = 1e-4
const TOLERANCE = 1e-4

before(async () => {
  await selectBackend('wasm', silentLog)
  await selectBackend('cpu', silentLog)
})

interface Moments {
  mean: number
  variance: number
  unbiased: number
}

function momentsOf(x: ArrayLike<number>, channels: number): Moments[] {
  return Array.from({ length: channels }, (_, c) => {
    const own = Array.from(x).filter((_, i) => i % channels === c)
    const mean = own.reduce((a, b) => a + b, 0) / own.length
    const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0)
    return { mean, variance: squares / own.length, unbiased: squares / Math.max(1, own.length - 1) }
  })
}

/** @returns Σ batchNorm(x) · weight in float64 */
function reference(
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
  weight: Float32Array,
): number {
  const channels = gamma.length
  const moments = momentsOf(x, channels)
  return Array.from(x).reduce((sum, value, i) => {
    const c = i % channels
    const { mean, variance } = moments[c] as Moments
    const h = (value - mean) / Math.sqrt(variance + EPSILON)
    return sum + (h * (gamma[c] as number) + (beta[c] as number)) * (weight[i] as number)
  }, 0)
}

const SHAPES: [number, number, number, number][] = [
  [2, 3, 3, 4],
  [5, 1, 1, 3],
  [1, 5, 2, 2],
  [1, 1, 3, 21],
]

for (const backend of ['wasm', 'cpu'] as const) {
  for (const shape of SHAPES) {
    test(`gradients of batch norm of ${shape.join('×')} on ${backend} equal finite differences`, async (t) => {
      await tf.setBackend(backend)
      const channels = shape[3]
      const length = shape.reduce((a, b) => a * b, 1)
      const [x, weight] = [randomValues(length, 5), randomValues(length, 6)]
      const [gamma, beta] = [randomValues(channels, 7), randomValues(channels, 8)]
      const loss = (x_BHWC: Tensor4D, gamma_C: Tensor1D, beta_C: Tensor1D) =>
        tf.sum(
          tf.mul(operations().batchNormTraining(x_BHWC, gamma_C, beta_C, EPSILON).y_BHWC, tf.tensor(weight, shape)),
        )
      const inputs: Tensor[] = [tf.tensor(x, shape), tf.tensor1d(gamma), tf.tensor1d(beta)]
      const { value, grads } = tf.valueAndGrads(loss as never)(inputs)
      const [dx, dgamma, dbeta] = grads.map((tensor) => tensor.dataSync())
      const all = (values: Float32Array, f: (at: Float64Array) => number) =>
        Array.from(values.keys(), (i) => derivative(f, values, i, STEP))
      const errors = {
        loss: worstError(value.dataSync(), [reference(x, gamma, beta, weight)]),
        dx: worstError(
          dx as Float32Array,
          all(x, (at) => reference(at, gamma, beta, weight)),
        ),
        dgamma: worstError(
          dgamma as Float32Array,
          all(gamma, (at) => reference(x, at, beta, weight)),
        ),
        dbeta: worstError(
          dbeta as Float32Array,
          all(beta, (at) => reference(x, gamma, at, weight)),
        ),
      }
      t.diagnostic(JSON.stringify(errors))
      for (const [what, error] of Object.entries(errors)) assert.ok(error < TOLERANCE, `${what}: ${error}`)
      tf.dispose([value, ...grads, ...inputs])
    })
  }
}

/** Runs batch norm with γ = 1 and β = 0. */
function normalised(x: Float32Array, shape: [number, number, number, number]) {
  return tf.tidy(() => {
    const [gamma, beta] = [tf.ones([shape[3]]), tf.zeros([shape[3]])] as [Tensor1D, Tensor1D]
    const { y_BHWC, mean_C, variance_C } = operations().batchNormTraining(tf.tensor4d(x, shape), gamma, beta, EPSILON)
    return { y: y_BHWC.dataSync(), mean: mean_C.dataSync(), variance: variance_C.dataSync() }
  })
}

for (const backend of ['wasm', 'cpu', 'tensorflow'] as const)
  for (const shape of [
    [2, 4, 3, 2],
    [3, 9, 7, 21],
    [2, 1, 1, 3],
    [1, 1, 1, 5],
  ] as [number, number, number, number][])
    test(`batch norm of ${shape.join('×')} on ${backend} returns mean and unbiased variance of the batch`, async (t) => {
      if (backend === 'tensorflow' && !(await useBackend(backend))) return t.skip('TensorFlow is not set up')
      await tf.setBackend(backend)
      const x = randomValues(
        shape.reduce((a, b) => a * b, 1),
        9,
      )
      const moments = momentsOf(x, shape[3])
      const { mean, variance } = normalised(x, shape)
      const expected = (key: keyof Moments) => moments.map((one) => one[key])
      assert.ok(worstError(mean, expected('mean')) < 1e-6)
      assert.ok(worstError(variance, expected('unbiased')) < 1e-6)
    })

test('a mean that is a thousand times the deviation leaves the variance and the result exact', async () => {
  await tf.setBackend('wasm')
  const shape: [number, number, number, number] = [4, 9, 7, 3]
  const x = randomValues(4 * 9 * 7 * 3, 9).map((value) => value + 1000)
  const moments = momentsOf(x, 3)
  const { y, variance } = normalised(x, shape)
  assert.ok(
    worstError(
      variance,
      moments.map((one) => one.unbiased),
    ) < 1e-5,
  )
  const expected = Array.from(x, (value, i) => {
    const { mean, variance } = moments[i % 3] as Moments
    return (value - mean) / Math.sqrt(variance + EPSILON)
  })
  assert.ok(worstError(y, expected) < 2e-4, `${worstError(y, expected)}`)
})

test('batch norm with given statistics, as at evaluation, is the same on WASM and on tfjs-cpu', async () => {
  const [x, gamma, beta, mean] = [60, 5, 5, 5].map((length, seed) => randomValues(length, seed)) as Float32Array[]
  const variance = randomValues(5, 9).map((value) => value + 1)
  const results: Float32Array[] = []
  for (const backend of ['wasm', 'cpu']) {
    await tf.setBackend(backend)
    for (const scale of [gamma, undefined]) {
      const vectors = [mean, variance, beta, scale].map((values) => values && tf.tensor1d(values))
      const y = tf.batchNorm(
        tf.tensor4d(x as Float32Array, [2, 3, 2, 5]),
        ...(vectors as [Tensor1D, Tensor1D]),
        EPSILON,
      )
      results.push(y.dataSync() as Float32Array)
    }
  }
  const [own, stock, expected, expectedStock] = results as [Float32Array, Float32Array, Float32Array, Float32Array]
  assert.ok(worstError(own, expected) < 1e-5)
  assert.ok(worstError(stock, expectedStock) < 1e-5, 'without gamma')
})

test('batch norm and its gradient leak no tensor', async () => {
  await tf.setBackend('wasm')
  const [x, gamma, beta] = [tf.ones([1, 2, 2, 3]), tf.ones([3]), tf.zeros([3])] as [Tensor4D, Tensor1D, Tensor1D]
  const run = () => {
    const { value, grads } = tf.valueAndGrads((...inputs: Tensor[]) => {
      const [x_BHWC, gamma_C, beta_C] = inputs as [Tensor4D, Tensor1D, Tensor1D]
      return tf.sum(operations().batchNormTraining(x_BHWC, gamma_C, beta_C, EPSILON).y_BHWC)
    })([x, gamma, beta])
    tf.dispose([value, ...grads])
  }
  run()
  const before = tf.memory()
  for (let i = 0; i < 3; i++) run()
  assert.equal(tf.memory().numTensors, before.numTensors)
  assert.equal(tf.memory().numDataBuffers, before.numDataBuffers)
})
