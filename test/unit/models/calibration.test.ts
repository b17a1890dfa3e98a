import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { buildBackbone } from '../../../src/models/backbone.ts'
import { calibrateBatchNorm } from '../../../src/models/calibration.ts'
import { silentLog } from '../../../src/support/log.ts'
import { selectBackend } from '../../../src/tensor/backend.ts'
import { type Tensor4D, tf } from '../../../src/tensor/tf.ts'
import { drawWeights, image } from './builders.ts'

before(async () => void (await selectBackend('wasm', silentLog)))

const EPSILON = 1e-3
const FROZEN = { name: 'resnet-mini', freeze: 'all', batchNorm: { mode: 'frozen', epsilon: EPSILON } } as const
const CHANNELS = 24

/** Mean and population variance of each channel, in float64. */
function momentsOf(values: Float32Array, channels: number) {
  const columns = Array.from({ length: channels }, (_, c) => [...values].filter((_, i) => i % channels === c))
  const meanOf = (column: number[]) => column.reduce((sum, x) => sum + x, 0) / column.length
  const means = columns.map(meanOf)
  return { means, variances: columns.map((column, c) => meanOf(column.map((x) => (x - (means[c] as number)) ** 2))) }
}

function assertNear(actual: ArrayLike<number>, expected: readonly number[]): void {
  assert.equal(actual.length, expected.length)
  for (const [i, value] of expected.entries()) {
    const isNear = Math.abs((actual[i] as number) - value) < 1e-4 * (1 + Math.abs(value))
    assert.ok(isNear, `${i}: ${actual[i]}, not ${value}`)
  }
}

test('calibration measures mean and variance of what reaches a batch norm, in the root and behind other layers', () => {
  const weights = drawWeights(buildBackbone(FROZEN), 9)
  const images = image(4, 16)
  const statistics = calibrateBatchNorm(FROZEN, weights, images)
  const rootInput = tf.conv2d(
    tf.pad(images, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
    weights.get('root/weights') as Tensor4D,
    2,
    'valid',
  )
  const root = momentsOf(rootInput.dataSync() as Float32Array, CHANNELS)
  assertNear(statistics.get('root/moving_mean')?.dataSync() ?? [], root.means)
  assertNear(statistics.get('root/moving_variance')?.dataSync() ?? [], root.variances)

  const gamma = weights.get('root/gamma')?.dataSync() ?? []
  const beta = weights.get('root/beta')?.dataSync() ?? []
  const normalised = (rootInput.dataSync() as Float32Array).map((x, i) => {
    const c = i % CHANNELS
    const deviation = Math.sqrt((root.variances[c] as number) + EPSILON)
    return Math.max(0, ((gamma[c] as number) * (x - (root.means[c] as number))) / deviation + (beta[c] as number))
  })
  const block1Input = tf.conv2d(
    tf.tensor4d(normalised, rootInput.shape),
    weights.get('block1/unit_1/conv1/weights') as Tensor4D,
    1,
    'same',
  )
  const first = momentsOf(block1Input.dataSync() as Float32Array, block1Input.shape[3])
  assertNear(statistics.get('block1/unit_1/conv1/moving_mean')?.dataSync() ?? [], first.means)
  assertNear(statistics.get('block1/unit_1/conv1/moving_variance')?.dataSync() ?? [], first.variances)
})
