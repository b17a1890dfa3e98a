/** Objects and detections as they stand in COCO's files, one JavaScript object each, turned into columns. */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import type { Detections, Truths } from './annotations.ts'
import { boxAround } from './box-around.ts'

/** The fields of `annotations` in an annotation file. */
export interface CocoObject {
  readonly image_id: number
  readonly category_id: number
  /** x, y, width, height. */
  readonly bbox: readonly number[]
  /** Pixels of the mask. Absent: those of the box. */
  readonly area?: number | undefined
  /** Absent: 0. Python also writes 0 and 1 as false and true. */
  readonly iscrowd?: number | boolean | undefined
  /** Absent: the place in the list, from 1. pycocotools counts a match with an object of the id 0 as a miss. */
  readonly id?: number | undefined
  /** x, y and visibility of each. */
  readonly keypoints?: readonly number[] | undefined
  /** Absent: the number of keypoints with a visibility above 0. An object with 0 is ignored. */
  readonly num_keypoints?: number | undefined
}

/** The fields of a results file. */
export interface CocoDetection {
  readonly image_id: number
  readonly category_id: number
  readonly score: number
  /**
   * Needed for boxes. If the first of several detections of keypoints has a box, the areas of all are those of their boxes, as
   * in pycocotools; otherwise those of the boxes around their keypoints.
   */
  readonly bbox?: readonly number[] | undefined
  readonly keypoints?: readonly number[] | undefined
}

/** @param keypoints how many an object has; 0: boxes. @throws DownpourError SCORES_INVALID */
export function truthColumns(objects: readonly CocoObject[], keypoints: number): Truths {
  for (const [i, object] of objects.entries()) checkObject(object, keypoints, `annotations[${i}]`)
  checkOwnIds(objects)
  const crowds = Uint8Array.from(objects, ({ iscrowd = 0 }) => (Number(iscrowd) === 0 ? 0 : 1))
  return {
    ...placeColumns(objects),
    ids: Float64Array.from(objects, ({ id }, i) => id ?? i + 1),
    boxes: flat(objects, ({ bbox }) => bbox),
    areas: Float64Array.from(objects, ({ area, bbox }) => area ?? areaOf(bbox)),
    crowds,
    ignored: crowds.map((crowd, i) => (crowd === 1 || (keypoints > 0 && labelled(objects[i]) === 0) ? 1 : 0)),
    keypoints: flat(objects, (object) => object.keypoints ?? []),
  }
}

/** @throws DownpourError SCORES_INVALID */
export function detectionColumns(detections: readonly CocoDetection[], keypoints: number): Detections {
  const areBoxesGiven = keypoints === 0 || detections[0]?.bbox !== undefined
  detections.forEach(({ image_id, category_id, score, bbox, ...detection }, i) => {
    const where = `detections[${i}]`
    checkFields({ image_id, category_id, score }, where)
    if (areBoxesGiven) checkNumbers(bbox, 4, `${where}.bbox`)
    if (keypoints > 0) checkNumbers(detection.keypoints, keypoints * 3, `${where}.keypoints`)
  })
  const boxes = detections.map(({ bbox = [], keypoints: points = [] }) => (areBoxesGiven ? bbox : boxAround(points)))
  return {
    ...placeColumns(detections),
    boxes: flat(boxes, (box) => box),
    areas: Float64Array.from(boxes, areaOf),
    scores: Float64Array.from(detections, ({ score }) => score),
    keypoints: flat(detections, (detection) => detection.keypoints ?? []),
  }
}

function placeColumns(rows: readonly Pick<CocoObject, 'image_id' | 'category_id'>[]) {
  return {
    count: rows.length,
    images: Float64Array.from(rows, (row) => row.image_id),
    categories: Float64Array.from(rows, (row) => row.category_id),
  }
}

function flat<T>(rows: readonly T[], valuesOf: (row: T) => readonly number[]): Float64Array {
  return Float64Array.from(rows.flatMap(valuesOf))
}

function areaOf([, , width = 0, height = 0]: readonly number[]): number {
  return width * height
}

function labelled({ num_keypoints, keypoints = [] }: Partial<CocoObject> = {}): number {
  return num_keypoints ?? keypoints.filter((value, i) => i % 3 === 2 && value > 0).length
}

function checkObject(object: CocoObject, keypoints: number, where: string): void {
  const { image_id, category_id, id = 1, area = 0, iscrowd = 0, num_keypoints = 0 } = object
  checkFields({ image_id, category_id, id, area, num_keypoints, iscrowd: Number(iscrowd) }, where)
  checkNumbers(object.bbox, 4, `${where}.bbox`)
  if (keypoints > 0) checkNumbers(object.keypoints, keypoints * 3, `${where}.keypoints`)
}

/** pycocotools keeps the last of several objects with one id in the place of each. */
function checkOwnIds(objects: readonly CocoObject[]): void {
  const known = new Set<number>()
  objects.forEach(({ id }, i) => {
    if (id === undefined) return
    const where = `annotations[${i}]`
    if (known.has(id))
      throw new DownpourError('SCORES_INVALID', `${where}.id: ${id}: expected an id of its own`, { where })
    known.add(id)
  })
}

/** Each field must be a number. @throws DownpourError SCORES_INVALID */
export function checkFields(fields: Readonly<Record<string, number>>, where: string): void {
  for (const [field, value] of Object.entries(fields)) {
    if (Number.isFinite(value)) continue
    const message = `${where}.${field}: ${shownValue(value)}: expected a finite number`
    throw new DownpourError('SCORES_INVALID', message, { where })
  }
}

/** A number that is not finite would make the order of detections, and so the scores, meaningless. */
function checkNumbers(values: readonly number[] | undefined, count: number, where: string): void {
  if (values?.length === count && values.every(Number.isFinite)) return
  throw new DownpourError('SCORES_INVALID', `${where}: ${shownValue(values)}: expected ${count} finite numbers`, {
    where,
  })
}
