/**
 * The losses of G-RMI (paper.md §4.8), at one position a pixel. B batch, h w cells of the maps, H W positions, K keypoints.
 * Each is a mean: that of the heatmaps over all positions and keypoints that count, that of the offsets over those in disks.
 * Their gradients are written out, because those of tfjs take several times as many operations.
 */
import { type NamedTensorMap, type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from '../../tensor/tf.ts'
import type { PoseMaps } from './network.ts'

const HEATMAP_WEIGHT = 4
const OFFSET_WEIGHT = 1
/** Squared pixels. Keeps the root away from 0, where it has no gradient. */
const SMALLEST = 1e-12

export interface PoseTargets {
  /** As `encodeTargets` makes them. */
  readonly disk_BHWK: Tensor4D
  readonly at_B2K: Tensor2D
}

/** The weighted terms of the sum. */
export type PoseLosses = Readonly<Record<'heatmap' | 'offset', Scalar>> & { readonly auxiliary?: Scalar }

/** @param stride pixels of the crop for each cell of the maps */
export function poseLosses(maps: PoseMaps, { disk_BHWK, at_B2K }: PoseTargets, stride: number): PoseLosses {
  const [, height, width] = disk_BHWK.shape
  const upsample = (map: Tensor4D) => tf.image.resizeBilinear(map, [height, width], true) as Tensor4D
  const counted_BHWK = tf.cast(tf.greaterEqual(disk_BHWK, 0), 'float32') as Tensor4D
  const inDisk_BHWK = tf.relu(disk_BHWK)
  const heatmap = (logits: Tensor4D) =>
    tf.mul(heatmapLoss(upsample(logits), inDisk_BHWK, counted_BHWK), share(HEATMAP_WEIGHT, counted_BHWK)) as Scalar
  const [missX, missY] = missesOf(maps.offsets_BHW2K, at_B2K, stride).map(upsample) as [Tensor4D, Tensor4D]
  return {
    heatmap: heatmap(maps.heat_BHWK),
    offset: tf.mul(offsetLoss(missX, missY, inDisk_BHWK), share(OFFSET_WEIGHT, inDisk_BHWK)) as Scalar,
    ...(maps.auxiliary_BHWK ? { auxiliary: heatmap(maps.auxiliary_BHWK) } : {}),
  }
}

/** The weight of each 1 of a mask in a weighted mean; finite for a mask of zeros. */
function share(weight: number, mask: Tensor): Scalar {
  return tf.div(weight, tf.maximum(tf.sum(mask), 1)) as Scalar
}

/**
 * How far the vote of each cell is from the keypoint along x and along y: position + offset - keypoint. Positions are linear,
 * so upsampling this is the same as upsampling the offsets, and the arithmetic is on the small maps.
 */
function missesOf(offsets_BHW2K: Tensor4D, at_B2K: Tensor2D, stride: number): [Tensor4D, Tensor4D] {
  const [batch, h, w, channels] = offsets_BHW2K.shape
  const half = channels / 2
  const columns = tf.mul(tf.range(0, w), stride).reshape([1, 1, w, 1])
  const rows = tf.mul(tf.range(0, h), stride).reshape([1, h, 1, 1])
  const miss = (positions: Tensor, from: number) => {
    const offsets_BHWK = tf.slice(offsets_BHW2K, [0, 0, 0, from], [batch, h, w, half])
    const at_BK = tf.slice(at_B2K, [0, from], [batch, half]).reshape([batch, 1, 1, half])
    return tf.add(offsets_BHWK, tf.sub(positions, at_BK)) as Tensor4D
  }
  return [miss(columns, 0), miss(rows, half)]
}

/** Σ over counted positions of max(z, 0) - z·t + log(1 + e^-|z|); dL/dz = σ(z) - t there. */
function heatmapLoss(logits: Tensor4D, inDisk: Tensor4D, counted: Tensor4D): Scalar {
  const loss = tf.customGrad((z, save) => {
    const logits = z as Tensor
    ;(save as Save)([logits, inDisk, counted])
    const perPosition = tf.add(
      tf.sub(tf.relu(logits), tf.mul(logits, inDisk)),
      tf.log1p(tf.exp(tf.neg(tf.abs(logits)))),
    )
    return {
      value: tf.sum(tf.mul(perPosition, counted)),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [logits, inDisk, counted] = saved as [Tensor, Tensor, Tensor]
        return tf.mul(tf.sub(tf.sigmoid(logits), inDisk), tf.mul(counted, dy))
      },
    }
  })
  return loss(logits) as Scalar
}

/** Σ over disks of the Huber loss of the distance n: n²/2 up to 1 pixel, then n - 1/2; dL/dx = x / max(n, 1) there. */
function offsetLoss(missX: Tensor4D, missY: Tensor4D, inDisk: Tensor4D): Scalar {
  const loss = tf.customGrad((x, y, save) => {
    const distance = tf.sqrt(tf.add(tf.add(tf.square(x as Tensor), tf.square(y as Tensor)), SMALLEST))
    ;(save as Save)([x as Tensor, y as Tensor, tf.div(inDisk, tf.maximum(distance, 1))])
    const inner = tf.minimum(distance, 1)
    return {
      value: tf.sum(tf.mul(tf.mul(inner, tf.sub(distance, tf.mul(inner, 0.5))), inDisk)),
      gradFunc: (dy: Tensor, saved: Tensor[] | NamedTensorMap) => {
        const [x, y, share] = saved as [Tensor, Tensor, Tensor]
        const scaled = tf.mul(share, dy)
        return [tf.mul(x, scaled), tf.mul(y, scaled)]
      },
    }
  })
  return loss(missX, missY) as Scalar
}

type Save = (tensors: Tensor[]) => void
