/** How well detections fit objects, in [0, 1]: intersection over union of boxes, or OKS of keypoints (paper.md §4.9). */
import type { Detections, Truths } from './annotations.ts'

/** Fills similarities_DG with one row a detection and one column an object. */
export type Similarity = (detections: Rows<Detections>, truths: Rows<Truths>, similarities_DG: Float64Array) => void

export interface Rows<C> {
  readonly columns: C
  readonly rows: Int32Array
}

/** Intersection over union; with a crowd, intersection over the detection's own area. */
export const boxSimilarity: Similarity = (detections, truths, similarities_DG) => {
  const [a, b] = [detections.columns.boxes, truths.columns.boxes]
  let place = 0
  for (const detection of detections.rows) {
    for (const truth of truths.rows) {
      const isCrowd = truths.columns.crowds[truth] === 1
      similarities_DG[place++] = intersectionOverUnion(a, detection * 4, b, truth * 4, isCrowd)
    }
  }
}

function intersectionOverUnion(a: Float64Array, i: number, b: Float64Array, j: number, isCrowd: boolean): number {
  const [ax, ay, aw, ah] = [a[i] as number, a[i + 1] as number, a[i + 2] as number, a[i + 3] as number]
  const [bx, by, bw, bh] = [b[j] as number, b[j + 1] as number, b[j + 2] as number, b[j + 3] as number]
  const width = Math.min(aw + ax, bw + bx) - Math.max(ax, bx)
  if (width <= 0) return 0
  const height = Math.min(ah + ay, bh + by) - Math.max(ay, by)
  if (height <= 0) return 0
  const intersection = width * height
  return intersection / (isCrowd ? aw * ah : aw * ah + bw * bh - intersection)
}

/** σ of nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles: how far apart two annotators set the point. */
export const COCO_SIGMAS = [
  0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89,
].map((sigma) => sigma / 10)

/**
 * Object keypoint similarity: the mean over labelled keypoints of exp(-d² / (2·(2σ)²·area)). An object without labelled
 * keypoints is measured by the distance of the detection to its box, doubled.
 */
export function keypointSimilarity(sigmas: readonly number[] = COCO_SIGMAS): Similarity {
  const variances = variancesOf(sigmas)
  return (detections, truths, similarities_DG) => {
    let place = 0
    for (const detection of detections.rows) {
      for (const truth of truths.rows)
        similarities_DG[place++] = oks(detections.columns, detection, truths.columns, truth, variances)
    }
  }
}

function variancesOf(sigmas: readonly number[]): Float64Array {
  return Float64Array.from(sigmas, (sigma) => (sigma * 2) ** 2)
}

function oks(detections: Detections, detection: number, truths: Truths, truth: number, variances: Float64Array) {
  const size = variances.length * 3
  const found = (detections.keypoints as Float64Array).subarray(detection * size, (detection + 1) * size)
  const keypoints = (truths.keypoints as Float64Array).subarray(truth * size, (truth + 1) * size)
  const box = truths.boxes.subarray(truth * 4, truth * 4 + 4)
  return similarityTo({ keypoints, box, area: truths.areas[truth] as number }, found, variances)
}

export interface PoseTruth {
  /** x, y and visibility of each. */
  readonly keypoints: ArrayLike<number>
  readonly box: ArrayLike<number>
  readonly area: number
}

/** The OKS of one detection. @param found x, y and visibility of each keypoint */
export function poseSimilarity(truth: PoseTruth, found: ArrayLike<number>, sigmas = COCO_SIGMAS): number {
  return similarityTo(truth, found, variancesOf(sigmas))
}

function similarityTo(truth: PoseTruth, found: ArrayLike<number>, variances: Float64Array): number {
  const { keypoints: right, box } = truth
  const isLabelled = (k: number) => (right[3 * k + 2] as number) > 0
  const labelled = Array.from(variances.keys()).filter(isLabelled)
  const squared = (k: number) => {
    const [x, y] = [found[3 * k] as number, found[3 * k + 1] as number]
    if (labelled.length > 0) return (x - (right[3 * k] as number)) ** 2 + (y - (right[3 * k + 1] as number)) ** 2
    const [bx, by, width, height] = box as unknown as [number, number, number, number]
    return outside(x, bx - width, bx + width * 2) ** 2 + outside(y, by - height, by + height * 2) ** 2
  }
  const counted = labelled.length > 0 ? labelled : [...variances.keys()]
  const area = truth.area + Number.EPSILON
  return (
    counted.reduce((sum, k) => sum + Math.exp(-squared(k) / (variances[k] as number) / area / 2), 0) / counted.length
  )
}

/** How far a value lies outside of [min, max]. */
function outside(value: number, min: number, max: number): number {
  return Math.max(0, min - value) + Math.max(0, value - max)
}
