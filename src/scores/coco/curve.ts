/** Precision and recall of a category's detections, pooled over all images (pycocotools `accumulate`). */
import type { Outcomes } from './match.ts'

export interface RankedOutcomes extends Outcomes {
  /** Place of each detection among those of its image and category, from 0. */
  readonly ranks: Int32Array
  /** Rows of the category's detections, the best score first. */
  readonly order: Int32Array
}

export interface CurvePoint {
  /** The mean over the sampled recalls of the highest precision at that recall or above. */
  readonly averagePrecision: number
  /** Of all detections. */
  readonly recall: number
}

/**
 * @param objects how many there are to find, above 0
 * @param maxDetections how many of each image count
 */
export function curveAt(
  outcomes: RankedOutcomes,
  t: number,
  { objects, maxDetections, recalls }: { objects: number; maxDetections: number; recalls: Float64Array },
): CurvePoint {
  const hits = countedHits(outcomes, 1 << t, maxDetections)
  const precisions = new Float64Array(hits.length)
  const reached = new Float64Array(hits.length)
  let found = 0
  hits.forEach((hit, i) => {
    found += hit
    precisions[i] = found / (i + 1 + Number.EPSILON)
    reached[i] = found / objects
  })
  for (let i = hits.length - 1; i > 0; i--)
    precisions[i - 1] = Math.max(precisions[i - 1] as number, precisions[i] as number)
  return { averagePrecision: meanPrecision(precisions, reached, recalls), recall: found / objects }
}

/** 1 for each detection that found an object and 0 for each that did not, without those that are ignored. */
function countedHits(
  { matched, ignored, ranks, order }: RankedOutcomes,
  bit: number,
  maxDetections: number,
): Uint8Array {
  const hits = new Uint8Array(order.length)
  let count = 0
  for (const row of order) {
    if ((ranks[row] as number) >= maxDetections || ((ignored[row] as number) & bit) !== 0) continue
    hits[count++] = ((matched[row] as number) & bit) === 0 ? 0 : 1
  }
  return hits.subarray(0, count)
}

/** A recall that is not reached has precision 0. */
function meanPrecision(precisions: Float64Array, reached: Float64Array, recalls: Float64Array): number {
  let sum = 0
  let place = 0
  for (const recall of recalls) {
    while (place < reached.length && (reached[place] as number) < recall) place++
    if (place === reached.length) break
    sum += precisions[place] as number
  }
  return sum / recalls.length
}
