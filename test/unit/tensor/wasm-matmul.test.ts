import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor, tf } from '../../../src/tensor/tf.ts'
import { randomValues, worstError } from './numeric.ts'

before(() => selectBackend('wasm', silentLog))

/** The product of an m × k and a k × n matrix in float64. */
function product(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float64Array {
  const sums = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const terms = Array.from({ length: k }, (_, t) => (a[i * k + t] as number) * (b[t * n + j] as number))
      sums[i * n + j] = terms.reduce((sum, term) => sum + term, 0)
    }
  }
  return sums
}

test('products of matrices of any size equal the float64 reference, with either transposed', () => {
  const size = fc.integer({ min: 1, max: 25 })
  const leading = fc.constantFrom([], [1], [1, 1])
  fc.assert(
    fc.property(size, size, size, leading, fc.nat(), (m, k, n, ones, seed) => {
      const [a, b] = [randomValues(m * k, seed), randomValues(k * n, seed + 1)]
      const expected = product(a, b, m, k, n)
      const products = tf.tidy(() => {
        const [left, right] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])]
        const [leftᵀ, rightᵀ] = [tf.transpose(left), tf.transpose(right)]
        const as = (tensor: Tensor) => tensor.reshape([...ones, ...tensor.shape])
        return [
          tf.matMul(as(left), right),
          tf.matMul(left, as(rightᵀ), false, true),
          tf.matMul(as(leftᵀ), right, true, false),
          tf.matMul(leftᵀ, rightᵀ, true, true),
        ].map((tensor) => ({ shape: tensor.shape, values: tensor.dataSync() }))
      })
      for (const [i, { shape, values }] of products.entries()) {
        assert.deepEqual(shape, [...(i < 3 ? ones : []), m, n])
        assert.ok(worstError(values, expected) < 1e-5, `${i}`)
      }
    }),
    { numRuns: 60 },
  )
})

test('products of batches of matrices are still those of tfjs', () => {
  tf.tidy(() => {
    const a = tf.tensor3d([1, 2, 3, 4], [2, 1, 2])
    const b = tf.tensor3d([1, 1, 2, 2], [2, 2, 1])
    assert.deepEqual([...tf.matMul(a, b).dataSync()], [3, 14])
  })
})

test('products and their gradients leak no tensor', () => {
  const [a, b] = [tf.ones([3, 5]), tf.ones([5, 2])]
  const run = () => tf.dispose(tf.grads((x, y) => tf.sum(tf.matMul(x as Tensor, y as Tensor)))([a, b]))
  run()
  const before = tf.memory()
  for (let i = 0; i < 3; i++) run()
  assert.equal(tf.memory().numTensors, before.numTensors)
  assert.equal(tf.memory().numDataBuffers, before.numDataBuffers)
})
