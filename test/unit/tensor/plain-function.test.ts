import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { smoothL1 } from '../../../src/tensor/losses.ts'
import { plainFunction } from '../../../src/tensor/plain-function.ts'
import { type Tensor, tf } from '../../../src/tensor/tf.ts'
import { worstError } from './numeric.ts'

before(async () => {
  await selectBackend('wasm', silentLog)
  await selectBackend('cpu', silentLog)
})

for (const backend of ['cpu', 'wasm'] as const)
  test(`a plain function reads tensors and returns tensors of both types on ${backend}`, async () => {
    await tf.setBackend(backend)
    const before = tf.memory().numTensors
    tf.tidy(() => {
      const inputs = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor1d([5], 'int32')]
      const [sum, count] = plainFunction(inputs, ([x = [], n = []]) => [
        { shape: [2, 1], values: Float32Array.of(Number(x[0]) + Number(x[1]), Number(x[2]) + Number(x[3])) },
        { shape: [], values: Int32Array.of(Number(n[0]) + 1) },
      ]) as [Tensor, Tensor]
      assert.deepEqual([sum.shape, sum.dtype, [...sum.dataSync()]], [[2, 1], 'float32', [3, 7]])
      assert.deepEqual([count.shape, count.dtype, [...count.dataSync()]], [[], 'int32', [6]])
      assert.deepEqual([...tf.mul(sum, 2).dataSync()], [6, 14], 'operations take its output')
    })
    assert.equal(tf.memory().numTensors, before)
  })

test('no gradient passes through a plain function', () => {
  tf.tidy(() => {
    const f = (x: Tensor) => {
      const [twice] = plainFunction([x], ([values = []]) => [
        { shape: [2], values: Float32Array.from(values, (value) => 2 * value) },
      ])
      return tf.sum(tf.mul(x, twice as Tensor))
    }
    assert.deepEqual(
      [
        ...tf
          .grad(f)(tf.tensor1d([3, -4]))
          .dataSync(),
      ],
      [6, -8],
    )
  })
})

test('smooth L1 and its gradient have the values of the formula', async () => {
  for (const backend of ['cpu', 'wasm'] as const) {
    await tf.setBackend(backend)
    const d = [-3, -1, -0.5, 0, 0.25, 1, 2]
    const [loss, gradient] = tf.tidy(() => {
      const x = tf.tensor1d(d)
      return [
        smoothL1(x).dataSync(),
        tf
          .grad((y) => tf.sum(tf.mul(smoothL1(y), 3)))(x)
          .dataSync(),
      ]
    })
    assert.ok(worstError(loss, [2.5, 0.5, 0.125, 0, 0.03125, 0.5, 1.5]) < 1e-6, String(loss))
    assert.ok(worstError(gradient, [-3, -3, -1.5, 0, 0.75, 3, 3]) < 1e-6, String(gradient))
  }
})
