/** What COCO's evaluation fixes: thresholds, ranges of areas, limits of detections (paper.md §4.9; pycocotools `Params`). */

/** As numpy's linspace computes it, because a similarity may equal a threshold. */
function evenlySpaced(first: number, last: number, count: number): Float64Array {
  const step = (last - first) / (count - 1)
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? last : i * step + first))
}

/** .50, .55 … .95: a detection matches an object from this similarity on. */
export const THRESHOLDS = evenlySpaced(0.5, 0.95, 10)
/** 0, .01 … 1: where precision is sampled. */
export const RECALLS = evenlySpaced(0, 1, 101)

export type AreaName = 'all' | 'small' | 'medium' | 'large'

/** In square pixels, both ends inclusive. */
export interface AreaRange {
  readonly name: AreaName
  readonly min: number
  readonly max: number
}

const ALL: AreaRange = { name: 'all', min: 0, max: 1e5 ** 2 }
const SMALL: AreaRange = { name: 'small', min: 0, max: 32 ** 2 }
const MEDIUM: AreaRange = { name: 'medium', min: 32 ** 2, max: 96 ** 2 }
const LARGE: AreaRange = { name: 'large', min: 96 ** 2, max: 1e5 ** 2 }

export interface Parameters {
  readonly areas: readonly AreaRange[]
  /** How many detections of an image and category count, the best first; ascending. */
  readonly maxDetections: readonly number[]
}

export const BOX_PARAMETERS: Parameters = { areas: [ALL, SMALL, MEDIUM, LARGE], maxDetections: [1, 10, 100] }
export const KEYPOINT_PARAMETERS: Parameters = { areas: [ALL, MEDIUM, LARGE], maxDetections: [20] }
