/** From columns of objects and detections to the numbers of COCO's leaderboards. */
import { evaluate, type Problem } from './evaluate.ts'
import { BOX_PARAMETERS, KEYPOINT_PARAMETERS } from './parameters.ts'
import { boxSimilarity, COCO_SIGMAS, keypointSimilarity } from './similarity.ts'
import { boxSummary, keypointSummary, precisionByCategory, type Summary } from './summary.ts'

export interface CocoScores {
  /** Numbers by name in pycocotools' order, the headline AP first; -1 where no object is in the range. */
  readonly summary: Summary
  /** AP by category id; -1 for a category without an object. */
  readonly byCategory: ReadonlyMap<number, number>
}

export type Columns = Pick<Problem, 'images' | 'categories' | 'truths' | 'detections'>

/** The 12 numbers. @param limits how many detections of an image and category count, ascending */
export function boxScores(columns: Columns, limits: readonly [number, number, number] = [1, 10, 100]): CocoScores {
  const parameters = { ...BOX_PARAMETERS, maxDetections: limits }
  const evaluation = evaluate({ ...columns, similarity: boxSimilarity, parameters })
  return { summary: boxSummary(evaluation, limits), byCategory: precisionByCategory(evaluation, limits[2]) }
}

/** The 10 numbers. @param sigmas one for each keypoint of the skeleton */
export function keypointScores(columns: Columns, sigmas: readonly number[] = COCO_SIGMAS, limit = 20): CocoScores {
  const parameters = { ...KEYPOINT_PARAMETERS, maxDetections: [limit] }
  const evaluation = evaluate({ ...columns, similarity: keypointSimilarity(sigmas), parameters })
  return { summary: keypointSummary(evaluation, limit), byCategory: precisionByCategory(evaluation, limit) }
}
