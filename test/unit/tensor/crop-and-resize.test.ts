import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { silentLog } from '../../../src/support/log.ts'
import { createRandom } from '../../../src/support/random.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { cropAndResize } from '../../../src/tensor/crop-and-resize.ts'
import { type Tensor2D, type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, type GradientBackend, useBackend } from '../../support/backends.ts'
import { derivative, randomValues, someIndices, worstError } from './numeric.ts'

type Backend = GradientBackend | 'cpu'

before(async () => void (await selectBackend('cpu', silentLog)))

interface CropCase {
  readonly shape: readonly [images: number, height: number, width: number, channels: number]
  readonly boxes: Float32Array
  readonly image: readonly number[]
  readonly size: number
}

/** Σ weight · crop in float64, from the formula of paper.md §4.6. */
function weightedCrop({ shape, boxes, image, size }: CropCase, x: ArrayLike<number>, weight: Float32Array): number {
  const [, height, width, channels] = shape
  let sum = 0
  const at = (b: number, y: number, xx: number, c: number) =>
    x[((b * height + y) * width + xx) * channels + c] as number
  image.forEach((b, r) => {
    const [top, left, bottom, right] = boxes.subarray(4 * r) as unknown as [number, number, number, number]
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const [down, across] = size > 1 ? [i / (size - 1), j / (size - 1)] : [0.5, 0.5]
        const y = (top + down * (bottom - top)) * (height - 1)
        const xx = (left + across * (right - left)) * (width - 1)
        if (y < 0 || xx < 0 || y > height - 1 || xx > width - 1) continue
        const [y0, x0] = [Math.floor(y), Math.floor(xx)]
        const [y1, x1] = [Math.min(y0 + 1, height - 1), Math.min(x0 + 1, width - 1)]
        for (let c = 0; c < channels; c++) {
          const upper = at(b, y0, x0, c) * (1 - xx + x0) + at(b, y0, x1, c) * (xx - x0)
          const lower = at(b, y1, x0, c) * (1 - xx + x0) + at(b, y1, x1, c) * (xx - x0)
          const value = upper * (1 - y + y0) + lower * (y - y0)
          sum += value * (weight[((r * size + i) * size + j) * channels + c] as number)
        }
      }
  })
  return sum
}

function lossOf({ boxes, image, size }: CropCase, weight: Float32Array) {
  return (x: Tensor4D) => {
    const boxes_R4 = tf.tensor2d(boxes, [image.length, 4]) as Tensor2D
    const crops = cropAndResize(x, boxes_R4, tf.tensor1d([...image], 'int32'), size)
    return tf.sum(tf.mul(crops, tf.tensor(weight, crops.shape)))
  }
}

/** @returns the largest error of the sum and of its gradient */
async function checkCase(given: CropCase, backend: Backend): Promise<number> {
  await tf.setBackend(backend)
  const length = given.shape.reduce((a, b) => a * b, 1)
  const x = randomValues(length, 1)
  const weight = randomValues(given.image.length * given.size ** 2 * given.shape[3], 2)
  const loss = weightedCrop(given, x, weight)
  const at = someIndices(length, 12)
  const differences = at.map((i) => derivative((values) => weightedCrop(given, values, weight), x, i, 1))
  const { value, grad } = tf.tidy(() => {
    const { value, grad } = tf.valueAndGrad(lossOf(given, weight) as never)(tf.tensor4d(x, [...given.shape]))
    return { value: value.dataSync(), grad: grad.dataSync() }
  })
  const some = at.map((i) => grad[i] as number)
  return Math.max(worstError(value, [loss]), worstError(some, differences))
}

const BACKENDS: Backend[] = ['cpu', ...GRADIENT_BACKENDS]

for (const backend of BACKENDS)
  test(`crops and their gradient equal the formula and its finite differences on ${backend}`, async (t) => {
    if (backend !== 'cpu' && !(await useBackend(backend))) return t.skip('TensorFlow is not set up here')
    const shape = [2, 5, 7, 3] as const
    const boxes = Float32Array.of(
      ...[0.1, 0.2, 0.75, 0.9],
      ...[0, 0, 0.999999, 0.999999],
      ...[-0.3, 0.5, 0.6, 1.4],
      ...[0.4, 0.4, 0.4, 0.4],
      ...[0.8, 0.9, 0.3, 0.1],
    )
    const error = await checkCase({ shape, boxes, image: [0, 1, 1, 0, 1], size: 4 }, backend)
    t.diagnostic(`largest error ${error.toExponential(1)}`)
    assert.ok(error < 2e-5, String(error))
  })

test('crops of any small feature, boxes and size equal the formula and its finite differences', async (t) => {
  await useBackend('wasm')
  let worst = 0
  const side = fc.integer({ min: 1, max: 7 })
  await fc.assert(
    fc.asyncProperty(side, side, fc.integer({ min: 1, max: 5 }), fc.nat(), async (height, width, size, seed) => {
      const random = createRandom(seed)
      const image = Array.from({ length: 3 }, () => random.int(2))
      const boxes = Float32Array.from({ length: 12 }, () => random.next() * 1.6 - 0.3)
      const error = await checkCase({ shape: [2, height, width, 2], boxes, image, size }, 'wasm')
      worst = Math.max(worst, error)
      assert.ok(error < 5e-5, String(error))
    }),
    { numRuns: 40 },
  )
  t.diagnostic(`largest error ${worst.toExponential(1)}`)
})

test('crops and their gradient leak no tensor', async () => {
  await useBackend('wasm')
  const given = { shape: [1, 4, 4, 2], boxes: Float32Array.of(0, 0, 0.9, 0.9), image: [0], size: 2 } as const
  const run = () => {
    const x = tf.zeros([...given.shape]) as Tensor4D
    const weight = randomValues(8, 1)
    const { value, grad } = tf.valueAndGrad(lossOf(given, weight) as never)(x)
    tf.dispose([x, value, grad])
  }
  run()
  const before = tf.memory().numTensors
  for (let i = 0; i < 3; i++) run()
  assert.equal(tf.memory().numTensors, before)
})
