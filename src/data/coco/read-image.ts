/** Reads the annotations of one image of an indexed COCO file. */
import type { FileHandle } from 'node:fs/promises'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import type { AnnotatedObject } from '../annotations.ts'
import type { Label } from '../labels.ts'
import { openRegular } from '../regular-file.ts'
import { inParallel } from '../scan/in-parallel.ts'
import { recordAt } from './fields.ts'
import { type CocoIndex, versionOf } from './index-file.ts'
import { objectOf } from './object.ts'

export interface ImageObjects {
  readonly objects: readonly AnnotatedObject[]
  /** File, annotation, id and field of each annotation that cannot be used. */
  readonly problems: readonly string[]
}

/** @throws DownpourError DATA_CHANGED: the file was written after it was indexed; DATA_UNREADABLE */
export async function openIndexed(index: CocoIndex): Promise<FileHandle> {
  if ((await versionOf(index.file)) === index.version) return openRegular(index.file)
  throw new DownpourError('DATA_CHANGED', `${index.file}: the file changed while it was in use; start again`)
}

/** @param image index into the images of the file */
export async function readObjects(
  handle: FileHandle,
  index: CocoIndex,
  image: number,
  labels: ReadonlyMap<number, Label>,
): Promise<ImageObjects> {
  const numbers = [...index.annotationsOf(image)]
  const read = await inParallel(numbers, (annotation) => readElement(handle, index, annotation))
  const size = index.images[image] as CocoIndex['images'][number]
  const objects: AnnotatedObject[] = []
  const problems: string[] = []
  read.forEach((value, i) => {
    const annotation = numbers[i] as number
    try {
      const record = recordAt(index.file, 'annotations', annotation, value)
      if (index.isRepeated(annotation)) record.fail('id', 'an id of its own')
      objects.push(objectOf(record, labels, size))
    } catch (error) {
      if (errorCode(error) !== 'COCO_INVALID') throw error
      problems.push(errorMessage(error))
    }
  })
  return { objects, problems }
}

async function readElement(handle: FileHandle, { places }: CocoIndex, annotation: number): Promise<unknown> {
  const start = places.starts[annotation] as number
  const bytes = Buffer.alloc((places.ends[annotation] as number) - start)
  await handle.read(bytes, 0, bytes.length, start)
  return JSON.parse(bytes.toString('utf8'))
}
