/**
 * Finds keypoints in the maps of one crop (paper.md §4.8): each position votes, with the probability of its heatmap, for the
 * position that its offset points to. h w cells of the maps, H W pixels, K keypoints.
 */
import type { Size } from '../../input/pipeline.ts'
import { KEYPOINTS } from './skeleton.ts'
import { positionsAlong } from './target.ts'

const K = KEYPOINTS.length

export interface Maps {
  /** Logits of the heatmaps: h · w · K. */
  readonly heat_hwK: ArrayLike<number>
  /** In pixels: x of all keypoints, then y of all: h · w · 2K. */
  readonly offsets_hw2K: ArrayLike<number>
  readonly stride: number
}

export interface CropPose {
  /** x, y of each keypoint, in indices of pixels. */
  readonly keypoints: readonly (readonly [number, number])[]
  /** The mean over keypoints of the highest share of votes: about 1 where every position of a disk votes for its centre. */
  readonly score: number
}

/** @param size of the crop. @param diskRadius that the maps were trained with */
export function fuse(maps: Maps, size: Size, diskRadius: number): CropPose {
  const votes_KHW = castVotes(maps, size)
  const pixels = size.height * size.width
  const peaks = KEYPOINTS.map((_, k) => peakOf(votes_KHW.subarray(k * pixels, (k + 1) * pixels), size))
  const sum = peaks.reduce((total, { votes }) => total + votes, 0)
  return { keypoints: peaks.map(({ at }) => at), score: sum / (K * Math.PI * diskRadius ** 2) }
}

/** The maps are upsampled bilinearly to one position a pixel, before the sigmoid, as in training. */
function castVotes({ heat_hwK, offsets_hw2K, stride }: Maps, size: Size): Float64Array {
  const votes_KHW = new Float64Array(K * size.height * size.width)
  const [h, w] = [Math.ceil(size.height / stride), Math.ceil(size.width / stride)]
  for (let y = 0; y < positionsAlong(size.height, stride); y++) {
    for (let x = 0; x < positionsAlong(size.width, stride); x++) {
      const cells = cellsAround(x, y, stride, h, w)
      for (let k = 0; k < K; k++) {
        const probability = 1 / (1 + Math.exp(-interpolate(heat_hwK, cells, K, k)))
        const toX = x + interpolate(offsets_hw2K, cells, 2 * K, k)
        const toY = y + interpolate(offsets_hw2K, cells, 2 * K, K + k)
        splat(toX, toY, probability, size, votes_KHW, k * size.height * size.width)
      }
    }
  }
  return votes_KHW
}

interface Cells {
  /** Indices of the four cells around a position. */
  readonly places: readonly [number, number, number, number]
  readonly weights: readonly [number, number, number, number]
}

function cellsAround(x: number, y: number, stride: number, h: number, w: number): Cells {
  const [left, top] = [Math.floor(x / stride), Math.floor(y / stride)]
  const [right, bottom] = [Math.min(left + 1, w - 1), Math.min(top + 1, h - 1)]
  const [u, v] = [x / stride - left, y / stride - top]
  return {
    places: [top * w + left, top * w + right, bottom * w + left, bottom * w + right],
    weights: [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v],
  }
}

function interpolate(map: ArrayLike<number>, { places, weights }: Cells, channels: number, channel: number): number {
  let sum = 0
  for (let i = 0; i < 4; i++)
    sum += (weights[i] as number) * (map[(places[i] as number) * channels + channel] as number)
  return sum
}

/** Shares the vote among the four pixels around (x, y) of the map that begins at `start`. What falls outside is lost. */
function splat(x: number, y: number, vote: number, size: Size, votes: Float64Array, start: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  for (let row = top; row <= top + 1; row++) {
    if (row < 0 || row >= size.height) continue
    for (let column = left; column <= left + 1; column++) {
      if (column < 0 || column >= size.width) continue
      const at = start + row * size.width + column
      votes[at] = (votes[at] as number) + vote * (1 - Math.abs(x - column)) * (1 - Math.abs(y - row))
    }
  }
}

/**
 * The pixel with the most votes, and within it the centre of the votes of the 3×3 pixels around it: where all votes fall on
 * one point, that is the point.
 */
function peakOf(votes_HW: Float64Array, { height, width }: Size): { at: [number, number]; votes: number } {
  const best = votes_HW.reduce((top, votes, i) => (votes > (votes_HW[top] as number) ? i : top), 0)
  const [column, row] = [best % width, Math.floor(best / width)]
  let [sum, sumX, sumY] = [0, 0, 0]
  for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
      const votes = votes_HW[y * width + x] as number
      ;[sum, sumX, sumY] = [sum + votes, sumX + votes * x, sumY + votes * y]
    }
  }
  const at: [number, number] = sum > 0 ? [sumX / sum, sumY / sum] : [column, row]
  return { at, votes: votes_HW[best] as number }
}
