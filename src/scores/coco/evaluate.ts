/** COCO's average precision and recall over a set of images (paper.md §4.9; pycocotools `COCOeval`). */
import type { Detections, Truths } from './annotations.ts'
import { curveAt } from './curve.ts'
import { byScore, distribute, type Groups, placesOf, rowsOf } from './groups.ts'
import { isCounted, match, type Outcomes } from './match.ts'
import { type AreaName, type Parameters, RECALLS, THRESHOLDS } from './parameters.ts'
import type { Similarity } from './similarity.ts'

export interface Problem {
  /** Ids of the images that are scored. Objects and detections of others are left out. */
  readonly images: readonly number[]
  readonly categories: readonly number[]
  readonly truths: Truths
  readonly detections: Detections
  readonly similarity: Similarity
  readonly parameters: Parameters
}

/** One average precision and one recall for each category, threshold, range of areas and limit of detections. */
export interface Evaluation {
  readonly categories: readonly number[]
  readonly points: readonly Point[]
}

export interface Point {
  readonly category: number
  /** In [0, 1]. */
  readonly threshold: number
  readonly area: AreaName
  readonly maxDetections: number
  readonly averagePrecision: number
  readonly recall: number
}

/** Categories without an object in a range of areas have no point there. */
export function evaluate(problem: Problem): Evaluation {
  const index = indexOf(problem)
  const outcomes = matchAll(problem, index)
  const points = index.categories.flatMap((_, place) => categoryPoints(problem, index, outcomes, place))
  return { categories: index.categories, points }
}

/** Where the rows of each category and image are. */
interface Index {
  readonly images: readonly number[]
  readonly categories: readonly number[]
  /** Place of each row's image in `images`. */
  readonly imageOf: { readonly truths: Int32Array; readonly detections: Int32Array }
  /** Rows of each category; detections with the best score first. */
  readonly byCategory: { readonly truths: Groups; readonly detections: Groups }
}

function indexOf({ truths, detections, ...problem }: Problem): Index {
  const images = ascending(problem.images)
  const categories = ascending(problem.categories)
  const imageOf = { truths: placesOf(truths.images, images), detections: placesOf(detections.images, images) }
  const order = byScore(detections, imageOf.detections, images.length)
  const byCategory = {
    truths: distribute(scoredRows(imageOf.truths), placesOf(truths.categories, categories), categories.length),
    detections: distribute(order, placesOf(detections.categories, categories), categories.length),
  }
  return { images, categories, imageOf, byCategory }
}

function ascending(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}

function scoredRows(imageOf: Int32Array): Int32Array {
  return Int32Array.from(imageOf.keys()).filter((row) => (imageOf[row] as number) >= 0)
}

/** Outcomes by row of the detections: one entry for each range of areas. */
interface AllOutcomes {
  readonly areas: readonly Outcomes[]
  readonly ranks: Int32Array
}

function matchAll(problem: Problem, { images, categories, imageOf, byCategory }: Index): AllOutcomes {
  const { count } = problem.detections
  const areas = problem.parameters.areas.map(() => ({
    matched: new Uint32Array(count),
    ignored: new Uint32Array(count),
  }))
  const outcomes = { areas, ranks: new Int32Array(count) }
  categories.forEach((_, place) => {
    const truths = distribute(rowsOf(byCategory.truths, place), imageOf.truths, images.length)
    const detections = distribute(rowsOf(byCategory.detections, place), imageOf.detections, images.length)
    images.forEach((_, image) => {
      // Of a thousand categories, an image has detections of a few.
      if (detections.starts[image] === detections.starts[image + 1]) return
      matchImage(problem, rowsOf(truths, image), rowsOf(detections, image), outcomes)
    })
  })
  return outcomes
}

/** Detections beyond the largest limit are not matched; their rank leaves them out of every curve. */
function matchImage(problem: Problem, truthRows: Int32Array, found: Int32Array, { areas, ranks }: AllOutcomes): void {
  const { truths, detections, similarity, parameters } = problem
  found.forEach((row, rank) => {
    ranks[row] = rank
  })
  const rows = found.subarray(0, parameters.maxDetections.at(-1))
  if (rows.length === 0) return
  const similarities_DG = new Float64Array(rows.length * truthRows.length)
  similarity({ columns: detections, rows }, { columns: truths, rows: truthRows }, similarities_DG)
  const candidates = { truths, truthRows, detections, rows, similarities_DG }
  parameters.areas.forEach((range, a) => {
    match(candidates, range, THRESHOLDS, areas[a] as Outcomes)
  })
}

function categoryPoints({ truths, parameters }: Problem, index: Index, outcomes: AllOutcomes, place: number): Point[] {
  const category = index.categories[place] as number
  const objects = rowsOf(index.byCategory.truths, place)
  const ranked = rowsOf(index.byCategory.detections, place)
  return parameters.areas.flatMap((range, a) => {
    const count = objects.filter((row) => isCounted(truths, row, range)).length
    if (count === 0) return []
    const outcomesOfArea = { ...(outcomes.areas[a] as Outcomes), ranks: outcomes.ranks, order: ranked }
    return parameters.maxDetections.flatMap((maxDetections) =>
      Array.from(THRESHOLDS, (threshold, t) => {
        const point = curveAt(outcomesOfArea, t, { objects: count, maxDetections, recalls: RECALLS })
        return { category, threshold, area: range.name, maxDetections, ...point }
      }),
    )
  })
}
