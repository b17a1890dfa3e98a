import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { randomValues } from './numeric.ts'

before(async () => {
  await selectBackend('wasm', silentLog)
  await selectBackend('cpu', silentLog)
})

interface Pool {
  shape: [number, number, number, number]
  filter: [number, number]
  strides: [number, number]
  pad: 'same' | 'valid'
}

/** @param x small integers, so that windows have several largest values */
async function gradientOn(backend: string, { shape, filter, strides, pad }: Pool, x: number[]): Promise<number[]> {
  await tf.setBackend(backend)
  return tf.tidy(() => {
    const loss = (images: Tensor4D) => {
      const y = tf.maxPool(images, filter, strides, pad)
      return tf.sum(tf.mul(y, tf.tensor(randomValues(y.size, 3), y.shape)))
    }
    const grad = tf.grad(loss as never)(tf.tensor4d(x, shape))
    return [...grad.dataSync()]
  })
}

test('the gradient of any small max-pooling on WASM goes where that of tfjs-cpu goes, ties included', async () => {
  const side = fc.integer({ min: 3, max: 8 })
  const window = fc.integer({ min: 1, max: 3 })
  const cases = fc.record({
    shape: fc.tuple(fc.constantFrom(1, 2), side, side, fc.integer({ min: 1, max: 9 })),
    filter: fc.tuple(window, window),
    strides: fc.tuple(window, window),
    pad: fc.constantFrom('same' as const, 'valid' as const),
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ seed, ...pool }) => {
      const random = createRandom(seed)
      const x = Array.from({ length: pool.shape.reduce((a, b) => a * b, 1) }, () => random.int(4) - 2)
      const [own, reference] = [await gradientOn('wasm', pool, x), await gradientOn('cpu', pool, x)]
      for (const [i, value] of own.entries()) assert.ok(Math.abs(value - (reference[i] as number)) < 1e-6)
    }),
    { numRuns: 80 },
  )
})
