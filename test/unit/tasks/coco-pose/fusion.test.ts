import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../../../../src/support/random.ts'
import { fuse, type Maps } from '../../../../src/tasks/coco-pose/fusion.ts'

const K = 17
/** The share of a crop's positions that are within reach of a keypoint is large in a crop this small. */
const RADIUS = 5
const SURE = 40

const cells = (pixels: number, stride: number) => Math.ceil(pixels / stride)

function emptyMaps(
  height: number,
  width: number,
  stride: number,
): Maps & { heat_hwK: number[]; offsets_hw2K: number[] } {
  const count = cells(height, stride) * cells(width, stride) * K
  return { heat_hwK: new Array(count).fill(-SURE), offsets_hw2K: new Array(2 * count).fill(0), stride }
}

/** f(x) = 1/(πR²) Σ_j h(x_j)·G(x_j + F(x_j) - x), with every sum of the definition written out. */
function fusedAt(maps: Maps, k: number, size: { height: number; width: number }, x: number, y: number): number {
  const { stride, heat_hwK, offsets_hw2K } = maps
  const [h, w] = [cells(size.height, stride), cells(size.width, stride)]
  const hat = (d: number) => Math.max(0, 1 - Math.abs(d))
  const upsampled = (map: ArrayLike<number>, channels: number, channel: number, px: number, py: number) => {
    let sum = 0
    for (let r = 0; r < h; r++)
      for (let c = 0; c < w; c++)
        sum += hat(py / stride - r) * hat(px / stride - c) * (map[(r * w + c) * channels + channel] as number)
    return sum
  }
  let sum = 0
  for (let py = 0; py <= (h - 1) * stride; py++)
    for (let px = 0; px <= (w - 1) * stride; px++) {
      const probability = 1 / (1 + Math.exp(-upsampled(heat_hwK, K, k, px, py)))
      const toX = px + upsampled(offsets_hw2K, 2 * K, k, px, py)
      const toY = py + upsampled(offsets_hw2K, 2 * K, K + k, px, py)
      sum += probability * hat(toX - x) * hat(toY - y)
    }
  return sum / (Math.PI * RADIUS ** 2)
}

test('the keypoint and the score are those of the formula, with every sum written out', () => {
  for (const [seed, height, width, stride] of [
    [1, 9, 9, 4],
    [2, 8, 7, 2],
    [3, 17, 9, 8],
  ] as const) {
    const random = createRandom(seed)
    const maps = emptyMaps(height, width, stride)
    for (const i of maps.heat_hwK.keys()) maps.heat_hwK[i] = random.normal() * 2
    for (const i of maps.offsets_hw2K.keys()) maps.offsets_hw2K[i] = random.normal() * 3
    const found = fuse(maps, { height, width }, RADIUS)
    let sum = 0
    for (let k = 0; k < K; k++) {
      const all = Array.from({ length: height * width }, (_, i) =>
        fusedAt(maps, k, { height, width }, i % width, Math.floor(i / width)),
      )
      const best = all.indexOf(Math.max(...all))
      sum += all[best] as number
      const [x, y] = found.keypoints[k] as readonly [number, number]
      const around = all
        .map((f, i) => ({ f, x: i % width, y: Math.floor(i / width) }))
        .filter((one) => Math.abs(one.x - (best % width)) <= 1 && Math.abs(one.y - Math.floor(best / width)) <= 1)
      const total = around.reduce((a, { f }) => a + f, 0)
      assert.ok(
        Math.abs(x - around.reduce((a, one) => a + one.f * one.x, 0) / total) < 1e-9,
        `seed ${seed}, keypoint ${k}`,
      )
      assert.ok(
        Math.abs(y - around.reduce((a, one) => a + one.f * one.y, 0) / total) < 1e-9,
        `seed ${seed}, keypoint ${k}`,
      )
    }
    assert.ok(Math.abs(found.score - sum / K) < 1e-12)
  }
})

/** Heatmaps of 1 in the disk and offsets that point at the keypoint from every cell. */
function perfectMaps(
  points: readonly (readonly [number, number])[],
  height: number,
  width: number,
  stride: number,
): Maps {
  const maps = emptyMaps(height, width, stride)
  const w = cells(width, stride)
  points.forEach(([x, y], k) => {
    for (let cell = 0; cell < cells(height, stride) * w; cell++) {
      const [px, py] = [(cell % w) * stride, Math.floor(cell / w) * stride]
      maps.offsets_hw2K[cell * 2 * K + k] = x - px
      maps.offsets_hw2K[cell * 2 * K + K + k] = y - py
      if (Math.hypot(x - px, y - py) <= RADIUS + stride) maps.heat_hwK[cell * K + k] = SURE
    }
  })
  return maps
}

test('a perfect prediction gives the exact keypoint, between pixels and at the edges, too', () => {
  const sizes = fc.constantFrom<[number, number, number]>([33, 25, 8], [64, 48, 4], [17, 13, 4])
  const places = fc.array(
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    { minLength: K, maxLength: K },
  )
  fc.assert(
    fc.property(sizes, places, ([height, width, stride], shares) => {
      const points = shares.map(([u, v]): [number, number] => [u * (width - 1), v * (height - 1)])
      const { keypoints, score } = fuse(perfectMaps(points, height, width, stride), { height, width }, RADIUS)
      points.forEach(([x, y], k) => {
        const [foundX, foundY] = keypoints[k] as readonly [number, number]
        assert.ok(Math.hypot(foundX - x, foundY - y) < 1e-6, `keypoint ${k}: ${x}, ${y} found at ${foundX}, ${foundY}`)
      })
      assert.ok(score > 0)
    }),
    { numRuns: 30, verbose: true },
  )
})

test('votes that all fall outside of the crop give a pixel and the score 0, not NaN', () => {
  const maps = emptyMaps(9, 9, 4)
  maps.offsets_hw2K.fill(1000)
  const { keypoints, score } = fuse(maps, { height: 9, width: 9 }, RADIUS)
  assert.deepEqual([keypoints.flat().every((one) => one === 0), score], [true, 0])
})
