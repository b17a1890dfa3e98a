/** The numbers that COCO's leaderboards show. */
import type { Evaluation, Point } from './evaluate.ts'
import type { AreaName } from './parameters.ts'

export type Summary = Readonly<Record<string, number>>

interface Selection {
  readonly threshold?: number
  readonly area?: AreaName
  readonly maxDetections: number
}

/** -1 where no category has an object. */
function mean(points: readonly Point[], value: 'averagePrecision' | 'recall'): number {
  return points.length === 0 ? -1 : points.reduce((sum, point) => sum + point[value], 0) / points.length
}

function selected({ points }: Evaluation, { threshold, area = 'all', maxDetections }: Selection): Point[] {
  return points.filter(
    (point) =>
      (threshold === undefined || point.threshold === threshold) &&
      point.area === area &&
      point.maxDetections === maxDetections,
  )
}

/** The 12 numbers of box detection, in pycocotools' order. @param limits three, ascending */
export function boxSummary(evaluation: Evaluation, [few, some, most]: readonly [number, number, number]): Summary {
  const precision = (options: Omit<Selection, 'maxDetections'> = {}) =>
    mean(selected(evaluation, { ...options, maxDetections: most }), 'averagePrecision')
  const recall = (maxDetections: number, area: AreaName = 'all') =>
    mean(selected(evaluation, { area, maxDetections }), 'recall')
  return {
    AP: precision(),
    AP50: precision({ threshold: 0.5 }),
    AP75: precision({ threshold: 0.75 }),
    APsmall: precision({ area: 'small' }),
    APmedium: precision({ area: 'medium' }),
    APlarge: precision({ area: 'large' }),
    [`AR${few}`]: recall(few),
    [`AR${some}`]: recall(some),
    [`AR${most}`]: recall(most),
    ARsmall: recall(most, 'small'),
    ARmedium: recall(most, 'medium'),
    ARlarge: recall(most, 'large'),
  }
}

/** The 10 numbers of keypoint detection, in pycocotools' order. */
export function keypointSummary(evaluation: Evaluation, maxDetections: number): Summary {
  const of = (value: 'averagePrecision' | 'recall', options: Omit<Selection, 'maxDetections'> = {}) =>
    mean(selected(evaluation, { ...options, maxDetections }), value)
  const both = (name: string, value: 'averagePrecision' | 'recall') => ({
    [name]: of(value),
    [`${name}50`]: of(value, { threshold: 0.5 }),
    [`${name}75`]: of(value, { threshold: 0.75 }),
    [`${name}medium`]: of(value, { area: 'medium' }),
    [`${name}large`]: of(value, { area: 'large' }),
  })
  return { ...both('AP', 'averagePrecision'), ...both('AR', 'recall') }
}

/** AP of each category over all thresholds and areas; -1 for one without an object. */
export function precisionByCategory(evaluation: Evaluation, maxDetections: number): ReadonlyMap<number, number> {
  const all = selected(evaluation, { maxDetections })
  return new Map(
    evaluation.categories.map((category) => [
      category,
      mean(
        all.filter((point) => point.category === category),
        'averagePrecision',
      ),
    ]),
  )
}
