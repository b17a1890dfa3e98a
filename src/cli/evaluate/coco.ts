/** Scores a COCO results file against an annotation file, as pycocotools does. */
import { readResults } from '../../data/coco/results.ts'
import { type CocoTruth, readTruth } from '../../data/coco/truth.ts'
import { boxScores, type CocoScores as ColumnScores, type Columns, keypointScores } from '../../scores/coco/score.ts'
import { COCO_SIGMAS } from '../../scores/coco/similarity.ts'
import type { Summary } from '../../scores/coco/summary.ts'
import { byteProgress, type OnProgress } from './progress.ts'

export interface CocoScores {
  readonly summary: Summary
  /** AP of each category, by its name; -1 for one without an object. */
  readonly byCategory: Readonly<Record<string, number>>
  readonly images: number
  readonly objects: number
  readonly detections: number
  readonly warnings: readonly string[]
}

interface Files {
  readonly groundTruth: string
  readonly predictions: string
  readonly onProgress?: OnProgress | undefined
}

export function scoreBoxes(files: Files): Promise<CocoScores> {
  return score(files, 0, boxScores)
}

/** @param sigmas one for each keypoint */
export function scoreKeypoints(files: Files, sigmas: readonly number[] = COCO_SIGMAS): Promise<CocoScores> {
  return score(files, sigmas.length, (columns) => keypointScores(columns, sigmas))
}

async function score(
  { groundTruth, predictions, onProgress }: Files,
  keypoints: number,
  scoresOf: (columns: Columns) => ColumnScores,
): Promise<CocoScores> {
  const options = { keypoints, onBytes: await byteProgress([groundTruth, predictions], onProgress) }
  const truth = await readTruth(groundTruth, options)
  const detections = await readResults(predictions, truth, options)
  const columns = {
    images: truth.images,
    categories: truth.categories.map(({ id }) => id),
    truths: truth.truths,
    detections,
  }
  const { summary, byCategory } = scoresOf(columns)
  const counts = { images: truth.images.length, objects: truth.truths.count, detections: detections.count }
  const warnings = warningsOf(columns, { groundTruth, predictions })
  return { summary, byCategory: named(truth, byCategory), ...counts, warnings }
}

/** What pycocotools scores without a word, and a user would not expect. */
function warningsOf({ truths, detections }: Columns, { groundTruth, predictions }: Files): string[] {
  const toFind = truths.ignored.reduce((count, ignored) => count + (ignored === 0 ? 1 : 0), 0)
  return [
    ...(toFind === 0 ? [`${groundTruth}: no object to find, so every number is -1`] : []),
    ...(detections.count === 0 ? [`${predictions}: no detections, so nothing is found`] : []),
    ...(truths.ids.includes(0)
      ? [`${groundTruth}: annotation id 0: as in pycocotools, finding it counts as a miss`]
      : []),
  ]
}

/** Two categories may share a name: their ids then tell all of them apart, because `cat (1)` may be a name as well. */
function named({ categories }: CocoTruth, values: ReadonlyMap<number, number>): Record<string, number> {
  const areNamesUnique = new Set(categories.map(({ name }) => name)).size === categories.length
  return Object.fromEntries(
    categories.map(({ id, name }) => [areNamesUnique ? name : `${name} (${id})`, values.get(id) ?? -1]),
  )
}
