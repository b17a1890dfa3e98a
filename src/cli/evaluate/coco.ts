/** Scores a COCO results file against an annotation file, as pycocotools does. */
import { readResults } from '../../data/coco/results.ts'
import { type CocoTruth, readTruth } from '../../data/coco/truth.ts'
import { type Evaluation, evaluate } from '../../scores/coco/evaluate.ts'
import { BOX_PARAMETERS, KEYPOINT_PARAMETERS } from '../../scores/coco/parameters.ts'
import { boxSimilarity, COCO_SIGMAS, keypointSimilarity } from '../../scores/coco/similarity.ts'
import { boxSummary, keypointSummary, precisionByCategory, type Summary } from '../../scores/coco/summary.ts'
import type { ReadOptions } from '../../support/json-arrays.ts'

export interface CocoScores {
  readonly summary: Summary
  /** AP of each category, by its name; -1 for one without an object. */
  readonly byCategory: Readonly<Record<string, number>>
  readonly images: number
  readonly objects: number
  readonly detections: number
}

interface Files extends ReadOptions {
  readonly groundTruth: string
  readonly predictions: string
}

export function scoreBoxes(files: Files): Promise<CocoScores> {
  const limits = BOX_PARAMETERS.maxDetections as [number, number, number]
  return score(files, 0, limits[2], (evaluation) => boxSummary(evaluation, limits))
}

export function scoreKeypoints(files: Files): Promise<CocoScores> {
  const [limit] = KEYPOINT_PARAMETERS.maxDetections as [number]
  return score(files, COCO_SIGMAS.length, limit, (evaluation) => keypointSummary(evaluation, limit))
}

async function score(
  { groundTruth, predictions, ...options }: Files,
  keypoints: number,
  limit: number,
  summarize: (evaluation: Evaluation) => Summary,
): Promise<CocoScores> {
  const truth = await readTruth(groundTruth, { ...options, keypoints })
  const detections = await readResults(predictions, truth, { ...options, keypoints })
  const evaluation = evaluate({
    images: truth.images,
    categories: truth.categories.map(({ id }) => id),
    truths: truth.truths,
    detections,
    similarity: keypoints > 0 ? keypointSimilarity() : boxSimilarity,
    parameters: keypoints > 0 ? KEYPOINT_PARAMETERS : BOX_PARAMETERS,
  })
  const counts = { images: truth.images.length, objects: truth.truths.count, detections: detections.count }
  return { summary: summarize(evaluation), byCategory: named(truth, precisionByCategory(evaluation, limit)), ...counts }
}

/** Two categories may share a name; their id then tells them apart. */
function named({ categories }: CocoTruth, values: ReadonlyMap<number, number>): Record<string, number> {
  const uses = Map.groupBy(categories, ({ name }) => name)
  return Object.fromEntries(
    categories.map(({ id, name }) => [
      (uses.get(name)?.length ?? 0) > 1 ? `${name} (${id})` : name,
      values.get(id) ?? -1,
    ]),
  )
}
