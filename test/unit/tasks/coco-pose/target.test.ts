import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeTargets, type PoseTarget, positionsAlong } from '../../../../src/tasks/coco-pose/target.ts'
import { K, somewhere, target } from './builders.ts'

/** The definition, one position at a time. */
function expectedDisk({ keypoints, others, diskRadius }: PoseTarget, k: number, x: number, y: number): number {
  const isWithin = (points: Float32Array, at: number) =>
    Math.hypot((points[at] as number) - x, (points[at + 1] as number) - y) <= diskRadius
  if (keypoints[3 * k + 2] === 0) return -1
  if (isWithin(keypoints, 3 * k)) return 1
  for (let at = 3 * k; at < others.length; at += 3 * K) if (others[at + 2] === 1 && isWithin(others, at)) return -1
  return 0
}

test('the maps have one position a pixel, from the first cell to the last', () => {
  assert.deepEqual([positionsAlong(353, 8), positionsAlong(257, 8)], [353, 257])
  assert.deepEqual([positionsAlong(64, 4), positionsAlong(48, 4)], [61, 45])
})

test('disks of labelled keypoints, of other people, and of keypoints without a label', () => {
  const others = [...somewhere(2), ...somewhere(3)]
  others[2] = 0
  const points = somewhere(1)
  points.splice(0, 3, -1, 5, 1) // outside of the crop: only the edge of its disk is inside
  points[3 * 4 + 2] = 0
  points.splice(3 * 5, 3, 500, -900, 1) // labelled, and far outside
  const targets = [target(points, { others: Float32Array.from(others) }), target(somewhere(4))]
  const { disk_BHWK, at_B2K } = encodeTargets(targets, 4)
  assert.deepEqual(disk_BHWK.shape, [2, 13, 9, K])
  disk_BHWK.values.forEach((value, i) => {
    const [k, x, y] = [i % K, Math.floor(i / K) % 9, Math.floor(i / K / 9) % 13]
    const row = Math.floor(i / K / 9 / 13)
    assert.equal(value, expectedDisk(targets[row] as PoseTarget, k, x, y), `row ${row}, keypoint ${k} at ${x}, ${y}`)
  })
  const counts = [-1, 0, 1].map((one) => disk_BHWK.values.filter((value) => value === one).length)
  assert.ok(Math.min(...counts) > 100, 'the case has all three values')
  assert.deepEqual(at_B2K.shape, [2, 2 * K])
  assert.deepEqual(
    [...at_B2K.values.subarray(0, 2 * K)],
    [
      ...Array.from({ length: K }, (_, k) => Math.fround(points[3 * k] as number)),
      ...Array.from({ length: K }, (_, k) => Math.fround(points[3 * k + 1] as number)),
    ],
  )
})
