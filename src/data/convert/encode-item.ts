/** Turns one item of a data set into a record. */
import { basename } from 'node:path'
import type { AnnotationKind, DataFormatName } from '../../contract/data-formats.ts'
import { errorCode, errorMessage } from '../../support/errors.ts'
import { encodeExample, type Features } from '../codecs/example.ts'
import { ints, text, texts } from '../codecs/features.ts'
import { pictureFacts } from '../codecs/image.ts'
import { encodeTfRecord } from '../codecs/tfrecord.ts'
import type { AnnotationKinds, DatasetOf, Encoded, Item } from '../dataset.ts'
import { interpretAt } from '../interpret.ts'
import type { LabelMap } from '../labels.ts'
import { maskFeatures } from '../records/mask-record.ts'
import { objectFeatures } from '../records/object-record.ts'
import { pictureFeatures } from '../records/picture-record.ts'
import { type Counts, NOTHING } from './counts.ts'
import { keptObjects } from './kept-objects.ts'

export type Converted =
  | { readonly type: 'record'; readonly bytes: Uint8Array; readonly counts: Counts }
  | { readonly type: 'damaged'; readonly where: string; readonly reason: string }

export type ItemEncoder<K extends AnnotationKind> = (item: Item<AnnotationKinds[K]>) => Promise<Converted>

type Annotated = { readonly features: Features; readonly counts: Counts }

/** The format that reads the records of each kind. */
export const FORMAT_OF: Readonly<Record<AnnotationKind, DataFormatName>> = {
  classes: 'tfrecord',
  objects: 'tfrecord-detection',
  masks: 'tfrecord-segmentation',
}

/**
 * @param hasMasks whether masks of objects are written
 * @returns a function that throws DownpourError LABEL_UNKNOWN, and Node's error when the storage fails
 */
export function itemEncoder<K extends AnnotationKind>(dataset: DatasetOf<K>, hasMasks: boolean): ItemEncoder<K> {
  const encodeAnnotation = annotationEncoders(dataset.labels, hasMasks)[dataset.annotates]
  return async (item) => {
    if (item.type === 'corrupt') return { ...item, type: 'damaged' }
    interpretAt(dataset, item)
    try {
      const { bytes: encoded, id } = item
      const picture = { id, fileName: item.fileName ?? basename(id), encoded, ...(await pictureFacts(encoded)) }
      const { features, counts } = await encodeAnnotation(item)
      const bytes = encodeTfRecord(encodeExample({ ...pictureFeatures(picture), ...features }))
      return { type: 'record', bytes, counts: { ...counts, images: 1 } }
    } catch (error) {
      if (errorCode(error) === 'LABEL_UNKNOWN') throw error
      return { type: 'damaged', where: item.where, reason: `image ${item.id}: ${errorMessage(error)}` }
    }
  }
}

type Encoders = { [K in AnnotationKind]: (example: Encoded<AnnotationKinds[K]>) => Promise<Annotated> }

function annotationEncoders(labels: LabelMap, hasMasks: boolean): Encoders {
  return {
    async classes({ id, annotation: { labels: ids, truth } }) {
      return { features: classFeatures(id, ids, truth, labels), counts: NOTHING }
    },
    async objects({ annotation }) {
      const { annotation: kept, counts } = keptObjects(annotation, hasMasks)
      return { features: await objectFeatures(kept, labels, hasMasks), counts }
    },
    async masks({ annotation, where }) {
      return { features: maskFeatures(annotation, where), counts: NOTHING }
    },
  }
}

function classFeatures(
  id: string,
  ids: readonly number[],
  truth: readonly number[] | undefined,
  { labels }: LabelMap,
): Features {
  return {
    'image/id': text(id),
    'image/class/label': ints(ids),
    'image/class/text': texts(ids.map((label) => labels[label]?.name ?? '')),
    ...(truth ? { 'image/class/truth': ints(truth) } : {}),
  }
}
