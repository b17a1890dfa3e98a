import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../../../../src/support/random.ts'
import { type PoseLosses, poseLosses } from '../../../../src/tasks/coco-pose/loss.ts'
import { encodeTargets, type PoseTarget } from '../../../../src/tasks/coco-pose/target.ts'
import { type Scalar, type Tensor4D, tf } from '../../../../src/tensor/tf.ts'
import { GRADIENT_BACKENDS, useBackend } from '../../../support/backends.ts'
import { K, somewhere, target } from './builders.ts'

const STRIDE = 4
/** Cells of the maps of a crop of 16×12 pixels, and positions. */
const [H, W, ROWS, COLUMNS] = [4, 3, 13, 9]

const unlabelled = somewhere(5).map((value, i) => (i % 3 === 2 ? 0 : value))
const TARGETS = [
  target(somewhere(1), { others: Float32Array.from(somewhere(2)) }),
  target([...unlabelled.slice(0, 24), ...somewhere(3).slice(24)]),
]

interface Maps {
  heat: Float32Array
  offsets: Float32Array
}

function drawMaps(batch: number, seed: number): Maps {
  const random = createRandom(seed)
  const draw = (channels: number, size: number) =>
    Float32Array.from({ length: batch * H * W * channels }, () => random.normal() * size)
  return { heat: draw(K, 1.5), offsets: draw(2 * K, 3) }
}

function lossOf(targets: readonly PoseTarget[], { heat, offsets }: Maps): Record<keyof PoseLosses, number> {
  return tf.tidy(() => {
    const run = losses(targets)
    const batch = targets.length
    const parts = run(tf.tensor4d(heat, [batch, H, W, K]), tf.tensor4d(offsets, [batch, H, W, 2 * K]))
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.dataSync()[0] as number]))
  }) as unknown as Record<keyof PoseLosses, number>
}

function losses(targets: readonly PoseTarget[]) {
  const { disk_BHWK, at_B2K } = encodeTargets(targets, STRIDE)
  const tensors = {
    disk_BHWK: tf.tensor4d(disk_BHWK.values, [targets.length, ROWS, COLUMNS, K]),
    at_B2K: tf.tensor2d(at_B2K.values, [targets.length, 2 * K]),
  }
  return (heat_BHWK: Tensor4D, offsets_BHW2K: Tensor4D) =>
    poseLosses({ heat_BHWK, offsets_BHW2K, auxiliary_BHWK: heat_BHWK }, tensors, STRIDE)
}

/** The definition in float64, one position and keypoint at a time. */
function written(targets: readonly PoseTarget[], { heat, offsets }: Maps) {
  const hat = (d: number) => Math.max(0, 1 - Math.abs(d))
  const upsampled = (map: Float32Array, channels: number, b: number, channel: number, x: number, y: number) => {
    let sum = 0
    for (let r = 0; r < H; r++)
      for (let c = 0; c < W; c++)
        sum += hat(y / STRIDE - r) * hat(x / STRIDE - c) * (map[((b * H + r) * W + c) * channels + channel] as number)
    return sum
  }
  const disks = encodeTargets(targets, STRIDE).disk_BHWK.values
  let [heatmap, offset, counted, inDisk] = [0, 0, 0, 0]
  targets.forEach(({ keypoints }, b) => {
    for (let y = 0; y < ROWS; y++)
      for (let x = 0; x < COLUMNS; x++)
        for (let k = 0; k < K; k++) {
          const disk = disks[((b * ROWS + y) * COLUMNS + x) * K + k] as number
          if (disk < 0) continue
          counted++
          const z = upsampled(heat, K, b, k, x, y)
          heatmap += disk === 1 ? Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z))
          if (disk === 0) continue
          inDisk++
          const missX = upsampled(offsets, 2 * K, b, k, x, y) - ((keypoints[3 * k] as number) - x)
          const missY = upsampled(offsets, 2 * K, b, K + k, x, y) - ((keypoints[3 * k + 1] as number) - y)
          const distance = Math.hypot(missX, missY)
          offset += distance < 1 ? distance ** 2 / 2 : distance - 0.5
        }
  })
  return { heatmap: (4 * heatmap) / counted, offset: offset / inDisk }
}

for (const backend of GRADIENT_BACKENDS) {
  test(`both losses are those of their formulas on ${backend}, with every sum written out`, async (t) => {
    if (!(await useBackend(backend))) return t.skip('not set up here')
    const maps = drawMaps(2, 7)
    const expected = written(TARGETS, maps)
    const found = lossOf(TARGETS, maps)
    for (const name of ['heatmap', 'offset'] as const)
      assert.ok(
        Math.abs(found[name] - expected[name]) < 1e-5 * expected[name],
        `${name}: ${found[name]}, ${expected[name]}`,
      )
    assert.equal(found.auxiliary, found.heatmap)
  })

  test(`gradients agree with finite differences on ${backend}`, async (t) => {
    if (!(await useBackend(backend))) return t.skip('not set up here')
    const batch = TARGETS.length
    const maps = drawMaps(batch, 8)
    const gradients = tf.tidy(() => {
      const run = losses(TARGETS)
      const total = (heat: Tensor4D, offsets: Tensor4D) => {
        const { heatmap, offset } = run(heat, offsets)
        return tf.add(heatmap, offset) as Scalar
      }
      const grads = tf.grads((...inputs) => total(inputs[0] as Tensor4D, inputs[1] as Tensor4D))
      const inputs = [tf.tensor4d(maps.heat, [batch, H, W, K]), tf.tensor4d(maps.offsets, [batch, H, W, 2 * K])]
      return grads(inputs).map((gradient) => gradient.dataSync().slice())
    }) as unknown as Float32Array[]
    const random = createRandom(9)
    for (const [which, name] of [
      [0, 'heat'],
      [1, 'offsets'],
    ] as const) {
      for (let i = 0; i < 40; i++) {
        const at = random.int(maps[name].length)
        const moved = (by: number) => {
          const values = maps[name].slice()
          values[at] = (values[at] as number) + by
          const { heatmap, offset } = written(TARGETS, { ...maps, [name]: values })
          return heatmap + offset
        }
        const expected = (moved(1e-3) - moved(-1e-3)) / 2e-3
        const found = gradients[which]?.[at] as number
        assert.ok(Math.abs(found - expected) < 1e-5, `${name}[${at}]: ${found}, ${expected} by differences`)
      }
    }
  })
}

test('a vote that hits its keypoint exactly has a finite gradient', async () => {
  await useBackend('wasm')
  const points = Array.from({ length: K }, () => [4, 4, 1]).flat()
  const gradient = tf.tidy(() => {
    const run = losses([target(points)])
    const offsets = tf.tensor4d(
      Float32Array.from({ length: H * W * 2 * K }, (_, i) => {
        const [channel, cell] = [i % (2 * K), Math.floor(i / (2 * K))]
        return 4 - (channel < K ? cell % W : Math.floor(cell / W)) * STRIDE
      }),
      [1, H, W, 2 * K],
    )
    return tf
      .grad((x) => run(tf.zeros([1, H, W, K]), x as Tensor4D).offset)(offsets)
      .dataSync()
  })
  assert.ok(gradient.every((one) => Math.abs(one) < 1e-6))
})

test('keypoints without a label carry no loss, and a batch without any has the loss 0', async () => {
  await useBackend('wasm')
  const maps = drawMaps(1, 10)
  assert.deepEqual(lossOf([target(unlabelled)], maps), { heatmap: 0, offset: 0, auxiliary: 0 })
  const half = target([...unlabelled.slice(0, 24), ...somewhere(3).slice(24)])
  const other = {
    heat: maps.heat.map((z, i) => (i % K < 8 ? z + 5 : z)),
    offsets: maps.offsets.map((z, i) => (i % K < 8 ? z - 4 : z)),
  }
  assert.deepEqual(lossOf([half], other), lossOf([half], maps))
})
