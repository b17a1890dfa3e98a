import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPass } from '../../../src/models/layer.ts'
import { type RootPadding, rootLayer } from '../../../src/models/residual.ts'
import { type Tensor, type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, useBackend } from '../../support/backends.ts'
import { derivative, randomValues, someIndices, worstError } from '../tensor/numeric.ts'

const ROOT = { kernel: 7, stride: 2, channels: 1, pool: true }
const FROZEN = { frozen: false, batchNorm: { mode: 'frozen', epsilon: 0 } } as const

/** Weights of a root that copies the red channel; batch norm is the identity. */
function weightsOf(filter: Float32Array): Map<string, Tensor> {
  return new Map<string, Tensor>([
    ['root/weights', tf.tensor(filter, [7, 7, 3, 1])],
    ['root/gamma', tf.tensor1d([1])],
    ['root/beta', tf.tensor1d([0])],
    ['root/moving_mean', tf.tensor1d([0])],
    ['root/moving_variance', tf.tensor1d([1])],
  ])
}

function centreTap(): Float32Array {
  const filter = new Float32Array(7 * 7 * 3)
  filter[(3 * 7 + 3) * 3] = 1
  return filter
}

/** @returns the maximum of relu over 3×3 windows with stride 2 that start `before` pixels outside of the image */
function pooled(pixels: readonly number[][], before: number): number[][] {
  const size = Math.floor((pixels.length - 1) / 2) + 1
  return Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (_, x) => {
      const rows = pixels.slice(Math.max(0, 2 * y - before), 2 * y - before + 3)
      return Math.max(0, ...rows.flatMap((row) => row.slice(Math.max(0, 2 * x - before), 2 * x - before + 3)))
    }),
  )
}

const PADDED_BEFORE: [RootPadding, even: number, odd: number][] = [
  ['same', 0, 1],
  ['symmetric', 1, 1],
]

for (const backend of GRADIENT_BACKENDS) {
  for (const [padding, even, odd] of PADDED_BEFORE) {
    test(`the root pool with padding ${padding} starts ${even} pixels outside of an even size, ${odd} of an odd one, on ${backend}`, async (t) => {
      if (!(await useBackend(backend))) return t.skip('not set up here')
      for (const [size, outside] of [
        [16, even],
        [18, odd],
      ] as const) {
        const values = randomValues(size * size * 3, size)
        const output = tf.tidy(() => {
          const pass = createPass(weightsOf(centreTap()), { training: false })
          const images = tf.tensor(values, [1, size, size, 3]) as Tensor4D
          return rootLayer(ROOT, padding, FROZEN).apply(images, pass).arraySync()
        })
        const half = Array.from({ length: size / 2 }, (_, y) =>
          Array.from({ length: size / 2 }, (_, x) => values[(2 * y * size + 2 * x) * 3] as number),
        )
        assert.deepEqual(
          output[0]?.map((row) => row.map(([value]) => value)),
          pooled(half, outside),
        )
      }
    })
  }

  test(`the gradient of a root with symmetric padding equals finite differences, on ${backend}`, async (t) => {
    if (!(await useBackend(backend))) return t.skip('not set up here')
    const layer = rootLayer(ROOT, 'symmetric', FROZEN)
    const images = tf.tensor(randomValues(2 * 12 * 12 * 3, 1), [2, 12, 12, 3]) as Tensor4D
    const filter = randomValues(7 * 7 * 3, 2)
    const rest = weightsOf(filter)
    const loss = (weights: Tensor) =>
      tf.sum(
        tf.square(layer.apply(images, createPass(new Map([...rest, ['root/weights', weights]]), { training: true }))),
      )
    const gradient = tf
      .grad(loss as never)(rest.get('root/weights') as Tensor)
      .dataSync()
    const at = someIndices(filter.length, 24)
    const valueAt = (values: Float64Array) =>
      tf.tidy(() => loss(tf.tensor(Float32Array.from(values), [7, 7, 3, 1])).dataSync()[0] as number)
    const slopes = at.map((i) => derivative(valueAt, filter, i, 1e-3))
    const error = worstError(
      at.map((i) => gradient[i] as number),
      slopes,
    )
    t.diagnostic(`largest error ${error.toExponential(1)}`)
    assert.ok(error < 0.02, String(error))
  })
}
