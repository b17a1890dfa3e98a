import type { ResultRow } from '../task.ts'
import { type Found, MOST_DETECTIONS } from './found.ts'

const HUNDREDTHS = 100
const MILLIONTHS = 1e6

/** The best detections of an image as rows of a COCO results file, with boxes to a hundredth of a pixel. */
export function resultsOf({ boxes, labels, scores }: Found): ResultRow[] {
  return Array.from(scores.subarray(0, MOST_DETECTIONS), (score, i) => ({
    label: labels[i] as number,
    bbox: Array.from(boxes.subarray(4 * i, 4 * i + 4), (edge) => Math.round(edge * HUNDREDTHS) / HUNDREDTHS),
    score: Math.round(score * MILLIONTHS) / MILLIONTHS,
  }))
}
