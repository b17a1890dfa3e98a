/** Reads the annotations of one image of an indexed COCO file. */
import { openSync, readSync } from 'node:fs'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import type { AnnotatedObject } from '../annotations.ts'
import type { Label } from '../labels.ts'
import { recordAt } from './fields.ts'
import { type CocoIndex, versionOf } from './index-file.ts'
import { objectOf } from './object.ts'

export interface ImageObjects {
  readonly objects: readonly AnnotatedObject[]
  /** File, annotation, id and field of each annotation that cannot be used. */
  readonly problems: readonly string[]
}

/** @returns a file descriptor. @throws DownpourError DATA_CHANGED: the file was written after it was indexed; DATA_UNREADABLE */
export async function openIndexed(index: CocoIndex): Promise<number> {
  if ((await versionOf(index.file)) === index.version) return openSync(index.file, 'r')
  throw new DownpourError('DATA_CHANGED', `${index.file}: the file changed while it was in use; start again`)
}

/** @param image index into the images of the file */
export function readObjects(
  descriptor: number,
  index: CocoIndex,
  image: number,
  labels: ReadonlyMap<number, Label>,
): ImageObjects {
  const size = index.images[image] as CocoIndex['images'][number]
  const objects: AnnotatedObject[] = []
  const problems: string[] = []
  for (const annotation of index.annotationsOf(image)) {
    try {
      const record = recordAt(index.file, 'annotations', annotation, readElement(descriptor, index, annotation))
      if (index.isRepeated(annotation)) record.fail('id', 'an id of its own')
      objects.push(objectOf(record, labels, size))
    } catch (error) {
      if (errorCode(error) !== 'COCO_INVALID') throw error
      problems.push(errorMessage(error))
    }
  }
  return { objects, problems }
}

/** Synchronous: a promise for each of a million annotations takes ten times as long as reading it. */
function readElement(descriptor: number, { places }: CocoIndex, annotation: number): unknown {
  const start = places.starts[annotation] as number
  const bytes = Buffer.allocUnsafe((places.ends[annotation] as number) - start)
  readSync(descriptor, bytes, 0, bytes.length, start)
  return JSON.parse(bytes.toString('utf8'))
}
