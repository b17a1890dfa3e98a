import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { operations, registerOperations } from '../../../src/tensor/operations.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'

before(async () => {
  await selectBackend('wasm', silentLog)
  await selectBackend('cpu', silentLog)
})

const values = (tensor: Tensor4D) => [...tensor.dataSync()]

test('a backend uses the operation that it registers, and the defaults for the others', async () => {
  const doubled = (x: Tensor4D) => tf.mul(x, 2) as Tensor4D
  registerOperations('cpu', { relu: doubled })
  await tf.setBackend('cpu')
  tf.tidy(() => {
    const x = tf.tensor4d([-1, 2], [1, 1, 1, 2])
    assert.deepEqual(values(operations().relu(x)), [-2, 4])
    assert.deepEqual(values(operations().addRelu(x, x)), [0, 4])
  })
  await tf.setBackend('wasm')
  tf.tidy(() => assert.deepEqual(values(operations().relu(tf.tensor4d([-1, 2], [1, 1, 1, 2]))), [0, 2]))
})

test('a convolution uses the gradient of the current backend, and skips that of images without one', async () => {
  const asked: string[] = []
  const gradient = (name: string, of: Tensor4D) => () => {
    asked.push(name)
    return tf.onesLike(of)
  }
  registerOperations('cpu', {
    conv2dGradients: (_dy, x, filter) => ({ x: gradient('x', x), filter: gradient('filter', filter) }),
  })
  await tf.setBackend('cpu')
  tf.tidy(() => {
    const [x, filter] = [tf.ones([1, 2, 2, 1]) as Tensor4D, tf.fill([1, 1, 1, 1], 3) as Tensor4D]
    const gradientOfFilter = tf.grad((w) => tf.sum(tf.conv2d(x, w as Tensor4D, 1, 'same')))
    assert.deepEqual([...gradientOfFilter(filter).dataSync()], [1])
  })
  assert.deepEqual(asked, ['filter'])
})

test('a clone on wasm shares the values of its source and outlives it', async () => {
  await tf.setBackend('wasm')
  const source = tf.tensor1d([1, 2, 3])
  const buffers = tf.memory().numDataBuffers
  const clone = source.clone()
  assert.equal(tf.memory().numDataBuffers, buffers)
  source.dispose()
  assert.deepEqual([...clone.dataSync()], [1, 2, 3])
  clone.dispose()
  assert.equal(tf.memory().numDataBuffers, buffers - 1)
})

test('a clone of strings on wasm keeps its values', async () => {
  await tf.setBackend('wasm')
  assert.deepEqual([...tf.tensor1d(['a', 'b'], 'string').clone().dataSync()], ['a', 'b'])
})
