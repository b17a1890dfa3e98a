/** Scores COCO's annotations and results as plain objects, with the field names of its files. */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import { type CocoDetection, type CocoObject, checkFields, detectionColumns, truthColumns } from './rows.ts'
import { boxScores, type CocoScores, type Columns, keypointScores } from './score.ts'
import { COCO_SIGMAS } from './similarity.ts'

export interface CocoInput {
  /** The images that are scored. */
  readonly images: readonly { readonly id: number }[]
  readonly categories: readonly { readonly id: number }[]
  readonly annotations: readonly CocoObject[]
  readonly detections: readonly CocoDetection[]
}

/**
 * The 12 numbers of box detection.
 * @throws DownpourError SCORES_INVALID: a value that is not a number, an annotation id that stands twice, or a detection of an
 * image that is not in `images`
 */
export function cocoBoxes(
  input: CocoInput & {
    /** How many detections of an image and category count, ascending. Default: 1, 10, 100. */
    readonly maxDetections?: readonly [number, number, number]
  },
): CocoScores {
  const { maxDetections } = input
  if (maxDetections) mustAscend(maxDetections)
  return boxScores(columnsOf(input, 0), maxDetections)
}

/**
 * The 10 numbers of keypoint detection.
 * @throws DownpourError SCORES_INVALID, as `cocoBoxes` does, for another number of keypoints than there are sigmas, and for a
 * sigma that is not above 0
 */
export function cocoKeypoints(
  input: CocoInput & {
    /** One a keypoint. Default: COCO's 17. */
    readonly sigmas?: readonly number[]
    /** Default: 20. */
    readonly maxDetections?: number
  },
): CocoScores {
  const { sigmas = COCO_SIGMAS, maxDetections } = input
  if (maxDetections !== undefined) mustAscend([maxDetections])
  if (sigmas.length === 0 || !sigmas.every((sigma) => sigma > 0 && Number.isFinite(sigma))) {
    throw new DownpourError(
      'SCORES_INVALID',
      `sigmas: ${shownValue(sigmas)}: expected a number above 0 for each keypoint`,
    )
  }
  return keypointScores(columnsOf(input, sigmas.length), sigmas, maxDetections)
}

function mustAscend(limits: readonly number[]): void {
  if (limits.every((limit, i) => Number.isSafeInteger(limit) && limit > (limits[i - 1] ?? 0))) return
  const found = `maxDetections: ${shownValue(limits)}`
  throw new DownpourError('SCORES_INVALID', `${found}: expected whole numbers above 0, each above the one before`)
}

/** As pycocotools does, it refuses detections of unknown images and leaves out those of unknown categories. */
function columnsOf({ images, categories, annotations, detections }: CocoInput, keypoints: number): Columns {
  for (const [i, { id }] of images.entries()) checkFields({ id }, `images[${i}]`)
  for (const [i, { id }] of categories.entries()) checkFields({ id }, `categories[${i}]`)
  const known = new Set(images.map(({ id }) => id))
  const stray = detections.findIndex(({ image_id }) => !known.has(image_id))
  if (stray >= 0) {
    const found = `detections[${stray}].image_id: ${detections[stray]?.image_id}`
    throw new DownpourError('SCORES_INVALID', `${found}: expected an id of images`, { where: `detections[${stray}]` })
  }
  return {
    images: [...known],
    categories: categories.map(({ id }) => id),
    truths: truthColumns(annotations, keypoints),
    detections: detectionColumns(detections, keypoints),
  }
}
