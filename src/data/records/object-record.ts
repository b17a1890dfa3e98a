/** Objects of a picture as features of a record, under the keys of the TensorFlow Object Detection API (paper.md §5). */
import { DownpourError } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import type { AnnotatedObject, ObjectAnnotation } from '../annotations.ts'
import type { Features } from '../codecs/example.ts'
import { bytes, bytesListOf, floats, floatsOf, ints, intsOf, texts } from '../codecs/features.ts'
import type { Label, LabelMap } from '../labels.ts'
import { keypointFeatures, keypointsIn } from './keypoint-features.ts'
import { maskPng, segmentationOfPng } from './object-mask.ts'
import { PICTURE_ID_KEYS, pictureSizeOf } from './picture-record.ts'
import type { RecordReader } from './record-files.ts'

export const OBJECT_KEYS = {
  xmin: 'image/object/bbox/xmin',
  xmax: 'image/object/bbox/xmax',
  ymin: 'image/object/bbox/ymin',
  ymax: 'image/object/bbox/ymax',
  label: 'image/object/class/label',
  text: 'image/object/class/text',
  crowd: 'image/object/is_crowd',
  area: 'image/object/area',
  difficult: 'image/object/difficult',
  truncated: 'image/object/truncated',
  mask: 'image/object/mask',
} as const

/** Coordinates a little beyond the picture come from rounding; larger ones are pixels instead of shares. */
const MAX_SHARE = 1.1

/** The number that records store for a label: the id of its category, or its place from 1, because 0 is the background. */
export function recordIdOf({ id, categoryId }: Label): number {
  return categoryId ?? id + 1
}

/**
 * @param hasMasks whether the mask of each object is written, as a PNG of 0 and 1
 * @throws Error: objects with different numbers of keypoints
 */
export async function objectFeatures(
  { width, height, objects }: ObjectAnnotation,
  { labels }: LabelMap,
  hasMasks: boolean,
): Promise<Features> {
  const labelOf = ({ label }: AnnotatedObject) => labels[label] as Label
  const flags = (of: (object: AnnotatedObject) => boolean) => ints(objects.map((object) => (of(object) ? 1 : 0)))
  const isTruncationKnown = objects.some(({ truncated }) => truncated !== undefined)
  const masks = hasMasks ? objects.map(({ segmentation }) => maskPng(segmentation, width, height)) : undefined
  return {
    [OBJECT_KEYS.xmin]: floats(objects.map(({ box }) => box[0] / width)),
    [OBJECT_KEYS.xmax]: floats(objects.map(({ box }) => (box[0] + box[2]) / width)),
    [OBJECT_KEYS.ymin]: floats(objects.map(({ box }) => box[1] / height)),
    [OBJECT_KEYS.ymax]: floats(objects.map(({ box }) => (box[1] + box[3]) / height)),
    [OBJECT_KEYS.label]: ints(objects.map((object) => recordIdOf(labelOf(object)))),
    [OBJECT_KEYS.text]: texts(objects.map((object) => labelOf(object).name)),
    [OBJECT_KEYS.crowd]: flags(({ crowd }) => crowd),
    [OBJECT_KEYS.area]: floats(objects.map(({ area }) => area)),
    [OBJECT_KEYS.difficult]: flags(({ difficult }) => difficult),
    ...(isTruncationKnown ? { [OBJECT_KEYS.truncated]: flags(({ truncated }) => truncated === true) } : {}),
    ...(masks ? { [OBJECT_KEYS.mask]: bytes(...(await Promise.all(masks))) } : {}),
    ...keypointFeatures(objects, labels, width, height),
  }
}

/** @param file the labels file, for messages. @throws DownpourError LABELS_INVALID */
export function objectReader({ labels }: LabelMap, file: string): RecordReader<ObjectAnnotation> {
  const idByNumber = new Map<number, number>()
  for (const label of labels) {
    const number = recordIdOf(label)
    if (idByNumber.has(number)) {
      throw new DownpourError(
        'LABELS_INVALID',
        `${file}: label ${label.id}: categoryId ${number} is that of another label`,
      )
    }
    idByNumber.set(number, label.id)
  }
  const idByName = new Map(labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  const unknown = (what: string) =>
    new DownpourError('LABEL_UNKNOWN', `${what} is not in ${file}, whose ${labels.length} labels have categoryId`)
  return {
    idKeys: PICTURE_ID_KEYS,
    async annotationOf(features, encoded) {
      const size = await pictureSizeOf(features, encoded)
      const count = countOf(features)
      const numbers = valuesOf(features, OBJECT_KEYS.label, intsOf, count)
      const names = valuesOf(features, OBJECT_KEYS.text, bytesListOf, count)
      if (count > 0 && !numbers && !names) throw new Error(`no ${OBJECT_KEYS.label}, and no ${OBJECT_KEYS.text}`)
      const labelIds = Array.from({ length: count }, (_, i) => {
        const name = Buffer.from(names?.[i] ?? '').toString('utf8')
        const id = numbers ? idByNumber.get(numbers[i] as number) : idByName.get(name.normalize('NFC'))
        if (id === undefined) throw unknown(numbers ? `${OBJECT_KEYS.label} ${numbers[i]}` : shownValue(name))
        return id
      })
      return { ...size, objects: await objectsIn(features, size, labelIds) }
    },
  }
}

/** The number of boxes. A record without any key of objects is that of a picture without objects. */
function countOf(features: Features): number {
  const boxes = floatsOf(features[OBJECT_KEYS.xmin])
  if (boxes) return boxes.length
  const key = Object.keys(features).find((one) => one.startsWith('image/object/') || one === 'image/class/label')
  if (key === undefined) return 0
  const hint = key === 'image/class/label' ? `; it has ${key}, as format tfrecord has` : ''
  throw new Error(`no ${OBJECT_KEYS.xmin}${hint}`)
}

async function objectsIn(
  features: Features,
  { width, height }: { width: number; height: number },
  labels: readonly number[],
): Promise<AnnotatedObject[]> {
  const count = labels.length
  if (count === 0) return []
  const shares = (key: string) => sharesOf(features, key, count)
  const [left, right] = [shares(OBJECT_KEYS.xmin), shares(OBJECT_KEYS.xmax)]
  const [top, bottom] = [shares(OBJECT_KEYS.ymin), shares(OBJECT_KEYS.ymax)]
  const flags = (key: string) => valuesOf(features, key, intsOf, count)
  const [crowds, difficult] = [flags(OBJECT_KEYS.crowd), flags(OBJECT_KEYS.difficult)]
  const truncated = flags(OBJECT_KEYS.truncated)
  const areas = areasOf(features, count)
  const masks = valuesOf(features, OBJECT_KEYS.mask, bytesListOf, count)
  const keypoints = keypointsIn(features, count, width, height)
  const segmentations = await Promise.all(
    (masks ?? []).map((mask, i) => segmentationOfPng(mask, width, height, `${OBJECT_KEYS.mask} ${i}`)),
  )
  return labels.map((label, i): AnnotatedObject => {
    const [x1, y1, x2, y2] = [left[i], top[i], right[i], bottom[i]] as [number, number, number, number]
    if (x2 < x1 || y2 < y1)
      throw new Error(`box ${i}: ${shownValue([x1, y1, x2, y2])}: its end is before its beginning`)
    const box = [x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height] as const
    const segmentation = segmentations[i]
    return {
      box,
      label,
      crowd: (crowds?.[i] ?? 0) !== 0,
      difficult: (difficult?.[i] ?? 0) !== 0,
      ...(truncated ? { truncated: truncated[i] !== 0 } : {}),
      area: areas?.[i] ?? box[2] * box[3],
      ...(segmentation ? { segmentation } : {}),
      ...(keypoints ? { keypoints: keypoints[i] as number[] } : {}),
    }
  })
}

function areasOf(features: Features, count: number): number[] | undefined {
  const areas = valuesOf(features, OBJECT_KEYS.area, floatsOf, count)
  const wrong = areas?.find((area) => !(area >= 0 && area < Number.POSITIVE_INFINITY))
  if (wrong === undefined) return areas
  throw new Error(`${OBJECT_KEYS.area}: ${shownValue(wrong)}: expected a number of pixels`)
}

function sharesOf(features: Features, key: string, count: number): number[] {
  const values = valuesOf(features, key, floatsOf, count)
  if (!values) throw new Error(`no ${key}`)
  const wrong = values.find((value) => !(value >= 1 - MAX_SHARE && value <= MAX_SHARE))
  if (wrong === undefined) return values
  throw new Error(`${key}: ${shownValue(wrong)}: expected a share of the picture, from 0 to 1`)
}

/** undefined where the record has no such values. */
function valuesOf<T>(
  features: Features,
  key: string,
  read: (feature: Features[string] | undefined) => T[] | undefined,
  count: number,
): T[] | undefined {
  const values = read(features[key])
  if (values === undefined && key in features) throw new Error(`${key}: has values of another type`)
  if (values === undefined || values.length === count) return values
  // Writers give an empty list for what a data set does not have.
  if (values.length === 0) return undefined
  throw new Error(`${key}: has ${values.length} values, and there are ${count} boxes`)
}
