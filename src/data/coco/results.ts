/** Reads a COCO results file: one array of { image_id, category_id, score } with a bbox or with keypoints. */
import type { Detections } from '../../scores/coco/annotations.ts'
import { boxAround } from '../../scores/coco/box-around.ts'
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
  const reader = new ResultReader(file, truth, options.keypoints)
  const found = await readJsonArrays(file, { [WHOLE_FILE]: reader.visit }, options)
  if (!found.has(WHOLE_FILE)) {
    throw new DownpourError('COCO_INVALID', `${file}: expected an array of results, [{ image_id, category_id, … }]`)
  }
  return reader.result()
}

class ResultReader {
  readonly #file: string
  readonly #truth: CocoTruth
  readonly #keypointCount: number
  readonly #images: ReadonlySet<number>
  readonly #categories: ReadonlySet<number>
  /** The first detection decides for all where boxes come from, as in pycocotools. */
  #boxesFrom: 'bbox' | 'keypoints' | undefined
  readonly #columns = {
    images: new NumberColumn(),
    categories: new NumberColumn(),
    boxes: new NumberColumn(),
    areas: new NumberColumn(),
    scores: new NumberColumn(),
    keypoints: new NumberColumn(),
  }

  constructor(file: string, truth: CocoTruth, keypoints: number) {
    this.#file = file
    this.#truth = truth
    this.#keypointCount = keypoints
    this.#images = new Set(truth.images)
    this.#categories = new Set(truth.categories.map(({ id }) => id))
  }

  readonly visit = (value: unknown, place: number): void => {
    const detection = new CocoRecord(value, `${this.#file}: [${place}]`, 'image_id')
    const columns = this.#columns
    columns.images.push(this.#known(detection, 'image_id', this.#images))
    columns.categories.push(this.#known(detection, 'category_id', this.#categories))
    columns.scores.push(detection.number('score'))
    if (this.#keypointCount > 0) columns.keypoints.push(...detection.keypoints(this.#keypointCount))
    const box = this.#boxOf(detection)
    columns.boxes.push(...box)
    columns.areas.push((box[2] as number) * (box[3] as number))
  }

  result(): Detections {
    const values = Object.entries(this.#columns).map(([name, column]) => [name, column.values()])
    return { count: this.#columns.images.count, ...Object.fromEntries(values) }
  }

  #known(detection: CocoRecord, field: string, ids: ReadonlySet<number>): number {
    const id = detection.id(field)
    return ids.has(id) ? id : detection.fail(field, `an id that ${this.#truth.file} has`)
  }

  /** Its area decides whether the detection counts in a range of areas. */
  #boxOf(detection: CocoRecord): readonly number[] {
    const hasBox = detection.has('bbox') && !isEmptyList(detection.value('bbox'))
    if (this.#boxesFrom === undefined && !hasBox && detection.has('segmentation')) {
      detection.fail('bbox', 'a box beside the segmentation: pycocotools would take the area of the mask')
    }
    this.#boxesFrom ??= !hasBox && detection.has('keypoints') ? 'keypoints' : 'bbox'
    return this.#boxesFrom === 'bbox' ? detection.box('bbox') : boxAround(detection.keypoints())
  }
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
