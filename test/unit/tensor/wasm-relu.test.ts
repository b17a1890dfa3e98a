import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { operations } from '../../../src/tensor/operations.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { randomValues } from './numeric.ts'

before(() => selectBackend('wasm', silentLog))

/** Blocks of four elements and each remainder. */
const LENGTHS = [1, 2, 3, 4, 5, 8, 11]

/** In float32, as the kernels add. */
const sum = (a: Float32Array, b: Float32Array) => a.map((value, i) => value + (b[i] as number))
const positive = (values: Float32Array) => [...values].map((value) => Math.max(value, 0))
const where = (values: Float32Array, dy: Float32Array) =>
  [...values].map((value, i) => (value > 0 ? (dy[i] as number) : 0))

test('ReLU and the ReLU of a sum, with their gradients, equal the formula for any length', () => {
  for (const length of LENGTHS) {
    const [a, b, dy] = [1, 2, 3].map((seed) => randomValues(length, seed)) as [Float32Array, Float32Array, Float32Array]
    tf.tidy(() => {
      const of = (values: Float32Array) => tf.tensor4d(values, [1, 1, 1, length])
      const weighted = (y: Tensor4D) => tf.sum(tf.mul(y, of(dy)))
      const { relu, addRelu } = operations()
      assert.deepEqual([...relu(of(a)).dataSync()], positive(a))
      assert.deepEqual([...addRelu(of(a), of(b)).dataSync()], positive(sum(a, b)))
      const gradient = tf.grad((x) => weighted(relu(x as Tensor4D)))(of(a))
      assert.deepEqual([...gradient.dataSync()], where(a, dy))
      const both = tf.grads((x, y) => weighted(addRelu(x as Tensor4D, y as Tensor4D)))([of(a), of(b)])
      for (const one of both) assert.deepEqual([...one.dataSync()], where(sum(a, b), dy))
    })
  }
})

test('a value that both branches of a residual unit use gets the sum of their gradients', () => {
  tf.tidy(() => {
    const { addRelu } = operations()
    const twice = tf.grad((x) => tf.sum(addRelu(x as Tensor4D, x as Tensor4D)))(tf.tensor4d([1, -1], [1, 1, 1, 2]))
    assert.deepEqual([...twice.dataSync()], [2, 0])
  })
})

test('NaN stays NaN in the ReLU of a sum', () => {
  tf.tidy(() => {
    const x = tf.tensor4d([Number.NaN, 1, 1, 1, Number.NaN], [1, 1, 1, 5])
    const values = [...operations().addRelu(x, x).dataSync()]
    assert.deepEqual(values.map(Number.isNaN), [true, false, false, false, true])
  })
})

test('they leak no tensor', () => {
  const x = tf.ones([1, 2, 2, 3]) as Tensor4D
  const { relu, addRelu } = operations()
  const run = () =>
    tf
      .grad((y) => tf.sum(addRelu(relu(y as Tensor4D), y as Tensor4D)))(x)
      .dispose()
  run()
  const before = tf.memory()
  for (let i = 0; i < 3; i++) run()
  assert.equal(tf.memory().numTensors, before.numTensors)
  assert.equal(tf.memory().numDataBuffers, before.numDataBuffers)
})
