/** Average precision as PASCAL VOC measures it (paper.md §4.9; `voc_eval` of py-faster-rcnn). Boxes include both ends. */

import { DownpourError } from '../support/errors.ts'
import { shownValue } from '../support/shown.ts'

/** Left, top, right, bottom, in pixels; a box from 1 to 1 is one pixel wide. */
export type VocBox = readonly [xmin: number, ymin: number, xmax: number, ymax: number]

export interface VocObject {
  readonly image: string
  readonly box: VocBox
  /** Finding the object is neither right nor wrong. */
  readonly difficult: boolean
}

export interface VocDetection {
  readonly image: string
  readonly box: VocBox
  readonly score: number
}

/** `11-point`: VOC2007. `area`: VOC2010 and later. */
export type VocMethod = '11-point' | 'area'

export interface VocCurve {
  /** After each detection, the best score first. Equal scores keep the order of the input. */
  readonly recall: Float64Array
  readonly precision: Float64Array
}

const OVERLAP = 0.5

/**
 * Precision and recall of the detections of one class; undefined if no object counts, for then neither is defined.
 * @throws DownpourError SCORES_INVALID: a score or a side of a box that is not a number, which no order would have a place for
 */
export function vocCurve(
  objects: readonly VocObject[],
  detections: readonly VocDetection[],
  overlap: number = OVERLAP,
): VocCurve | undefined {
  for (const [i, { box }] of objects.entries()) mustBeFinite(box, `objects[${i}].box`)
  for (const [i, { box, score }] of detections.entries()) {
    mustBeFinite(box, `detections[${i}].box`)
    mustBeFinite([score], `detections[${i}].score`)
  }
  const count = objects.filter(({ difficult }) => !difficult).length
  if (count === 0) return undefined
  const byImage = Map.groupBy(objects, ({ image }) => image)
  const taken = new Set<VocObject>()
  const hits = detections
    .toSorted((a, b) => b.score - a.score)
    .map((detection) => outcome(detection, byImage.get(detection.image) ?? [], taken, overlap))
  return curveOf(hits, count)
}

function mustBeFinite(values: readonly number[], where: string): void {
  if (values.every(Number.isFinite)) return
  throw new DownpourError('SCORES_INVALID', `${where}: ${shownValue(values)}: expected finite numbers`, { where })
}

type Outcome = 'hit' | 'miss' | 'ignored'

/** A detection looks only at the object that it overlaps most, the first of equals, even if another is free. */
function outcome(
  { box }: VocDetection,
  objects: readonly VocObject[],
  taken: Set<VocObject>,
  overlap: number,
): Outcome {
  let highest = Number.NEGATIVE_INFINITY
  let best: VocObject | undefined
  for (const object of objects) {
    const value = vocOverlap(box, object.box)
    if (!(value > highest)) continue
    highest = value
    best = object
  }
  if (!best || highest <= overlap) return 'miss'
  if (best.difficult) return 'ignored'
  if (taken.has(best)) return 'miss'
  taken.add(best)
  return 'hit'
}

/** Intersection over union with the last pixel included. */
export function vocOverlap(a: VocBox, b: VocBox): number {
  const width = Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1, 0)
  const height = Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1, 0)
  const intersection = width * height
  return intersection / (pixels(a) + pixels(b) - intersection)
}

function pixels([xmin, ymin, xmax, ymax]: VocBox): number {
  return (xmax - xmin + 1) * (ymax - ymin + 1)
}

/** An ignored detection leaves both counts as they are. */
function curveOf(outcomes: readonly Outcome[], objects: number): VocCurve {
  const recall = new Float64Array(outcomes.length)
  const precision = new Float64Array(outcomes.length)
  let [hits, misses] = [0, 0]
  outcomes.forEach((value, i) => {
    if (value === 'hit') hits++
    if (value === 'miss') misses++
    recall[i] = hits / objects
    precision[i] = hits / Math.max(hits + misses, Number.EPSILON)
  })
  return { recall, precision }
}

export function vocAveragePrecision({ recall, precision }: VocCurve, method: VocMethod): number {
  return method === '11-point' ? elevenPoints(recall, precision) : areaUnder(recall, precision)
}

/** The mean over recalls 0, .1 … 1 of the highest precision at that recall or above. */
function elevenPoints(recall: Float64Array, precision: Float64Array): number {
  let sum = 0
  for (let point = 0; point <= 10; point++) {
    let highest = 0
    // numpy's arange(0, 1.1, .1) has these values: .1 * 3 is above .3.
    for (let i = 0; i < recall.length; i++)
      if ((recall[i] as number) >= point * 0.1) highest = Math.max(highest, precision[i] as number)
    sum += highest / 11
  }
  return sum
}

/** The area under the curve of the highest precision at each recall or above. */
function areaUnder(recall: Float64Array, precision: Float64Array): number {
  let area = 0
  let highest = 0
  for (let i = recall.length - 1; i >= 0; i--) {
    highest = Math.max(highest, precision[i] as number)
    area += ((recall[i] as number) - (i > 0 ? (recall[i - 1] as number) : 0)) * highest
  }
  return area
}
