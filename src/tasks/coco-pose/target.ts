/** What the network learns about a crop, and the disks around keypoints as arrays. B batch, H W positions, K keypoints. */
import type { Size } from '../../input/pipeline.ts'
import type { Values } from '../../tensor/values.ts'
import type { Box, Crop } from './crop.ts'
import type { TruePerson } from './pose.ts'
import { KEYPOINTS } from './skeleton.ts'

const K = KEYPOINTS.length

export interface PoseTarget {
  /** Of the crop, in pixels. */
  readonly size: Size
  readonly diskRadius: number
  /** x, y in the crop and 1 for a labelled keypoint, 0 for another, 17 times. All 0 where the person is not known. */
  readonly keypoints: Float32Array
  /** The same of each other person of the picture, one after the other. */
  readonly others: Float32Array
  readonly scoring: ScoringTarget
}

/** What the scorer needs. Coordinates are in pixels of the picture file. */
export interface ScoringTarget {
  readonly image: string
  /** Label of the persons. */
  readonly label: number
  /** All persons of the picture; empty in training. */
  readonly persons: readonly TruePerson[]
  /** Undefined for a picture with persons and without a box: a blank crop, for which there is no prediction. */
  readonly place: Place | undefined
}

export interface Place {
  readonly crop: Crop
  readonly box: Box
  /** The factor that the score of the pose is multiplied by. */
  readonly boxScore: number
}

/** Positions along an axis: from the first pixel of the crop to the pixel of the last cell of a map. */
export function positionsAlong(pixels: number, stride: number): number {
  return (Math.ceil(pixels / stride) - 1) * stride + 1
}

/**
 * disk_BHWK is 1 in the disk around a labelled keypoint, -1 in the disk around that keypoint of another person and
 * everywhere if the keypoint is not labelled, and 0 elsewhere. at_B2K: x of all keypoints, then y of all.
 * @param stride pixels of the crop for each cell of the maps
 */
export function encodeTargets(targets: readonly PoseTarget[], stride: number): { disk_BHWK: Values; at_B2K: Values } {
  const { height = 0, width = 0 } = targets[0]?.size ?? {}
  const [h, w] = [positionsAlong(height, stride), positionsAlong(width, stride)]
  const disks = new Float32Array(targets.length * h * w * K)
  const at = new Float32Array(targets.length * 2 * K)
  targets.forEach((target, row) => {
    drawDisks(target, h, w, disks.subarray(row * h * w * K, (row + 1) * h * w * K))
    for (let i = 0; i < 2 * K; i++) at[row * 2 * K + i] = target.keypoints[3 * (i % K) + (i < K ? 0 : 1)] as number
  })
  return {
    disk_BHWK: { shape: [targets.length, h, w, K], values: disks },
    at_B2K: { shape: [targets.length, 2 * K], values: at },
  }
}

/** The person's own disks are drawn last, so that another person's never covers them. */
function drawDisks({ keypoints, others, diskRadius }: PoseTarget, h: number, w: number, disk_HWK: Float32Array): void {
  for (let i = 0; i < others.length; i += 3) {
    if (others[i + 2] === 1) drawDisk(others, i, (i / 3) % K, diskRadius, -1, h, w, disk_HWK)
  }
  for (let k = 0; k < K; k++) {
    if (keypoints[3 * k + 2] === 1) drawDisk(keypoints, 3 * k, k, diskRadius, 1, h, w, disk_HWK)
    else for (let i = k; i < disk_HWK.length; i += K) disk_HWK[i] = -1
  }
}

function drawDisk(
  points: Float32Array,
  at: number,
  k: number,
  radius: number,
  value: number,
  h: number,
  w: number,
  disk_HWK: Float32Array,
): void {
  const [x, y] = [points[at] as number, points[at + 1] as number]
  for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(h - 1, y + radius); row++) {
    const reach = Math.sqrt(radius ** 2 - (row - y) ** 2)
    for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(w - 1, x + reach); column++) {
      disk_HWK[(row * w + column) * K + k] = value
    }
  }
}
