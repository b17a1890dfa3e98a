import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { type AsppOptions, aspp } from '../../../src/models/aspp.ts'
import { createPass } from '../../../src/models/layer.ts'
import { silentLog } from '../../../src/support/log.ts'
import { sizeOf } from '../../../src/support/variables.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { randomValues, worstError } from '../tensor/numeric.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

const FULL: AsppOptions = {
  channels: 2048,
  classes: 21,
  rates: [6, 12, 18, 24],
  weightsMultiplier: 10,
  biasMultiplier: 20,
}

test('the head of DeepLab has four branches with bias, which belong to the task and learn faster', () => {
  const { variables } = aspp(FULL)
  assert.deepEqual(
    variables.map(({ name, shape, decay, learningRateMultiplier, restored }) => [
      name,
      shape,
      decay,
      learningRateMultiplier,
      restored,
    ]),
    [6, 12, 18, 24].flatMap((rate) => [
      [`aspp/rate_${rate}/weights`, [3, 3, 2048, 21], true, 10, false],
      [`aspp/rate_${rate}/bias`, [21], false, 20, false],
    ]),
  )
  assert.equal(
    variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    4 * (3 * 3 * 2048 * 21 + 21),
  )
})

interface Case {
  height: number
  width: number
  rates: number[]
}

/** Σ over branches and taps of feature pixels · filter, plus the biases; pixels outside are 0. Float64. */
function reference({ height, width, rates }: Case, x: Float32Array, values: ReadonlyMap<string, Float32Array>) {
  const [channels, classes] = [3, 2]
  const inside = (y: number, column: number) => y >= 0 && y < height && column >= 0 && column < width
  return Array.from({ length: height * width * classes }, (_, at) => {
    const [y, column, c] = [Math.floor(at / classes / width), Math.floor(at / classes) % width, at % classes]
    let sum = 0
    for (const rate of rates) {
      const filter = values.get(`aspp/rate_${rate}/weights`) as Float32Array
      sum += values.get(`aspp/rate_${rate}/bias`)?.[c] as number
      for (let tap = 0; tap < 9; tap++) {
        const [row, across] = [y + (Math.floor(tap / 3) - 1) * rate, column + ((tap % 3) - 1) * rate]
        if (!inside(row, across)) continue
        for (let f = 0; f < channels; f++) {
          const weight = filter[(tap * channels + f) * classes + c] as number
          sum += (x[(row * width + across) * channels + f] as number) * weight
        }
      }
    }
    return sum
  })
}

test('the logits are the sum of the branches, for any feature and any rates', () => {
  const side = fc.integer({ min: 1, max: 9 })
  const rates = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.record({ height: side, width: side, rates }), (one) => {
      const head = aspp({ ...FULL, channels: 3, classes: 2, rates: one.rates })
      const values = new Map(head.variables.map(({ name, shape }, i) => [name, randomValues(sizeOf(shape), i)]))
      const x = randomValues(one.height * one.width * 3, 99)
      const logits = tf.tidy(() => {
        const weights = new Map(
          head.variables.map(({ name, shape }) => [name, tf.tensor(values.get(name) as Float32Array, [...shape])]),
        )
        const x_BHWF = tf.tensor4d(x, [1, one.height, one.width, 3]) as Tensor4D
        return head.apply(x_BHWF, createPass(weights, { training: false })).dataSync()
      })
      const error = worstError(logits, reference(one, x, values))
      assert.ok(error < 1e-5, String(error))
    }),
    { numRuns: 60 },
  )
})
