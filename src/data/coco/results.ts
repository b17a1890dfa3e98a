/** Reads a COCO results file: one array of { image_id, category_id, score } with a bbox or with keypoints. */
import type { Detections } from '../../scores/coco/annotations.ts'
import { NumberColumn } from '../../support/columns.ts'
import { DownpourError } from '../../support/errors.ts'
import { type ReadOptions, readJsonArrays, WHOLE_FILE } from '../../support/json-arrays.ts'
import { CocoRecord } from './fields.ts'
import type { CocoTruth } from './truth.ts'

export interface ResultOptions extends ReadOptions {
  /** Keypoints of a detection; 0: boxes. */
  readonly keypoints: number
}

/** @throws DownpourError JSON_INVALID, COCO_INVALID: also for an image or category that `truth` does not have */
export async function readResults(file: string, truth: CocoTruth, options: ResultOptions): Promise<Detections> {
  const images = new Set(truth.images)
  const categories = new Set(truth.categories.map(({ id }) => id))
  const columns = {
    images: new NumberColumn(),
    categories: new NumberColumn(),
    boxes: new NumberColumn(),
    areas: new NumberColumn(),
    scores: new NumberColumn(),
    keypoints: new NumberColumn(),
  }
  const add = (value: unknown, place: number) => {
    const detection = new CocoRecord(value, `${file}: [${place}]`)
    columns.images.push(known(detection, 'image_id', images, truth.file))
    columns.categories.push(known(detection, 'category_id', categories, truth.file))
    columns.scores.push(detection.number('score'))
    const keypoints = options.keypoints > 0 ? detection.numbers('keypoints', options.keypoints * 3) : []
    const box = options.keypoints > 0 ? boxAround(keypoints) : detection.box('bbox')
    columns.boxes.push(...box)
    columns.areas.push((box[2] as number) * (box[3] as number))
    columns.keypoints.push(...keypoints)
  }
  const found = await readJsonArrays(file, { [WHOLE_FILE]: add }, options)
  if (!found.has(WHOLE_FILE)) {
    throw new DownpourError('COCO_INVALID', `${file}: expected an array of results, [{ image_id, category_id, … }]`)
  }
  const values = Object.entries(columns).map(([name, column]) => [name, column.values()])
  return { count: columns.images.count, ...Object.fromEntries(values) }
}

function known(detection: CocoRecord, field: string, ids: ReadonlySet<number>, file: string): number {
  const id = detection.id(field)
  return ids.has(id) ? id : detection.fail(field, `an id that ${file} has`)
}

/** The smallest box that holds all keypoints. Its area decides whether the detection counts in a range of areas. */
function boxAround(keypoints: readonly number[]): number[] {
  const xs = keypoints.filter((_, i) => i % 3 === 0)
  const ys = keypoints.filter((_, i) => i % 3 === 1)
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top]
}
