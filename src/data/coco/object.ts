/** One annotation of a COCO file as an object of a picture. */
import { errorMessage } from '../../support/errors.ts'
import type { AnnotatedObject, Segmentation } from '../annotations.ts'
import type { Label, LabelMap } from '../labels.ts'
import type { CocoRecord } from './fields.ts'
import { decodeRuns } from './rle.ts'

interface Size {
  readonly width: number
  readonly height: number
}

/** Three points. */
const MIN_POLYGON_NUMBERS = 6

/** @returns labels by the id of their category */
export function labelsByCategory({ labels }: LabelMap): ReadonlyMap<number, Label> {
  return new Map(labels.map((label) => [label.categoryId as number, label]))
}

/**
 * Boxes may reach beyond the picture and areas may be 0, as pycocotools takes them.
 * @throws DownpourError COCO_INVALID
 */
export function objectOf(record: CocoRecord, labels: ReadonlyMap<number, Label>, size: Size): AnnotatedObject {
  const label = labels.get(record.id('category_id')) ?? record.fail('category_id', 'an id of categories')
  const [x = 0, y = 0, width = 0, height = 0] = record.box('bbox')
  const segmentation = record.has('segmentation') ? segmentationOf(record, size) : undefined
  const keypoints = record.has('keypoints') ? keypointsOf(record, label) : undefined
  return {
    box: [x, y, width, height],
    label: label.id,
    crowd: record.flag('iscrowd') === 1,
    difficult: false,
    area: areaOf(record),
    ...(segmentation ? { segmentation } : {}),
    ...(keypoints ? { keypoints } : {}),
  }
}

function areaOf(record: CocoRecord): number {
  const area = record.number('area')
  return area >= 0 ? area : record.fail('area', 'a number of 0 or more')
}

/** An empty list is no mask: converters write it for boxes without one. */
function segmentationOf(record: CocoRecord, size: Size): Segmentation | undefined {
  const value = record.value('segmentation')
  if (Array.isArray(value)) return value.length === 0 ? undefined : { type: 'polygons', polygons: polygonsOf(record) }
  if (typeof value === 'object' && value !== null) return runLengths(record, value, size)
  return record.fail('segmentation', 'a list of polygons, or { size, counts }')
}

function polygonsOf(record: CocoRecord): number[][] {
  const value = record.value('segmentation') as unknown[]
  const isPolygon = (one: unknown) =>
    Array.isArray(one) && one.length >= MIN_POLYGON_NUMBERS && one.length % 2 === 0 && one.every(Number.isFinite)
  const wrong = value.findIndex((one) => !isPolygon(one))
  if (wrong < 0) return value as number[][]
  return record.fail('segmentation', `polygons [x, y, x, y, x, y, …] of three points or more; number ${wrong} is none`)
}

function runLengths(record: CocoRecord, value: object, { width, height }: Size): Segmentation {
  const { size, counts } = value as { size?: unknown; counts?: unknown }
  const isSize = Array.isArray(size) && size.length === 2 && size[0] === height && size[1] === width
  if (!isSize) record.fail('segmentation', `size [${height}, ${width}], the height and width of the image`)
  const runs = typeof counts === 'string' ? decompressed(record, counts) : counts
  const isRuns = Array.isArray(runs) && runs.every((run) => Number.isSafeInteger(run) && run >= 0)
  if (!isRuns) return record.fail('segmentation', 'counts as a list of whole numbers of 0 or more, or as a string')
  const pixels = (runs as number[]).reduce((sum, run) => sum + run, 0)
  if (pixels !== height * width) {
    record.fail(
      'segmentation',
      `counts that add up to ${height}·${width} = ${height * width} pixels; they have ${pixels}`,
    )
  }
  return { type: 'rle', height, width, counts: runs as number[] }
}

function decompressed(record: CocoRecord, counts: string): number[] {
  try {
    return decodeRuns(counts)
  } catch (error) {
    return record.fail('segmentation', `compressed counts; ${errorMessage(error)}`)
  }
}

/** Official files have the keypoints of persons; a file whose category does not name them may have any number. */
function keypointsOf(record: CocoRecord, { keypoints }: Label): readonly number[] {
  const value = record.value('keypoints')
  const length = keypoints ? keypoints.length * 3 : undefined
  const isRight =
    Array.isArray(value) &&
    value.length % 3 === 0 &&
    (length === undefined || value.length === length) &&
    value.every((one, i) => Number.isFinite(one) && (i % 3 < 2 || [0, 1, 2].includes(one)))
  const count = keypoints ? `${length} numbers, for ${keypoints.length} keypoints` : 'three numbers a keypoint'
  return isRight ? value : record.fail('keypoints', `${count}: x, y, and 0, 1 or 2 for the visibility`)
}
