import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { batchNormTraining } from '../../../src/tensor/batch-norm.ts'
import { type Tensor, type Tensor1D, type Tensor4D, tf } from '../../../src/tensor/tf.ts'
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
}

function momentsOf(x: ArrayLike<number>, channels: number): Moments[] {
  return Array.from({ length: channels }, (_, c) => {
    const own = Array.from(x).filter((_, i) => i % channels === c)
    const mean = own.reduce((a, b) => a + b, 0) / own.length
    return { mean, variance: own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length }
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
        tf.sum(tf.mul(batchNormTraining(x_BHWC, gamma_C, beta_C, EPSILON).y_BHWC, tf.tensor(weight, shape)))
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

test('batch norm returns the mean and the biased variance of the batch', async () => {
  await tf.setBackend('wasm')
  const x = randomValues(2 * 4 * 3 * 2, 9)
  const { mean_C, variance_C } = batchNormTraining(
    tf.tensor4d(x, [2, 4, 3, 2]),
    tf.tensor1d([1, 1]),
    tf.tensor1d([0, 0]),
    EPSILON,
  )
  const moments = momentsOf(x, 2)
  assert.ok(
    worstError(
      mean_C.dataSync(),
      moments.map(({ mean }) => mean),
    ) < 1e-6,
  )
  assert.ok(
    worstError(
      variance_C.dataSync(),
      moments.map(({ variance }) => variance),
    ) < 1e-6,
  )
})
