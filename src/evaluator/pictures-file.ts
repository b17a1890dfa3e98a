/** Writes the worst, median and best pictures of a checkpoint beside it, before its score: a score means that they are there. */
import { join } from 'node:path'
import { commitFile } from '../checkpoint/commit.ts'
import type { FileSystem } from '../checkpoint/file-system.ts'
import { FILES } from '../contract/files.ts'
import type { PicturesRecord, StoredSketch } from '../contract/pictures.ts'
import type { Sketch, SketchedObject } from '../contract/sketch.ts'
import type { Label } from '../data/labels.ts'
import { encodeMask } from '../data/voc/mask.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { Log } from '../support/log.ts'
import type { EvaluateOptions } from './evaluate.ts'
import type { RankedPicture } from './picture-choice.ts'

/** A detector gives up to 100 objects an image, of which nobody could read that many boxes. */
const MAX_OBJECTS = 40
const MAX_CLASSES = 5

/** @returns what `evaluateCheckpoint` calls. Without space for the file the checkpoint has a score and no pictures. */
export function picturesWriter(
  { folder, digest }: { folder: string; digest: string },
  { fs, log }: { fs: FileSystem; log: Log },
): NonNullable<EvaluateOptions['onPictures']> {
  const path = join(folder, FILES.pictures)
  return async (pictures, labels) => {
    const text = JSON.stringify(recordOf(digest, pictures, labels))
    try {
      await commitFile(path, [Buffer.from(text)], fs)
    } catch (error) {
      log.warn({ path, code: errorCode(error), reason: errorMessage(error) }, 'pictures for the report not written')
    }
  }
}

function recordOf(digest: string, pictures: readonly RankedPicture[], labels: readonly Label[]): PicturesRecord {
  const named = new Set<number>()
  const stored = pictures.map(({ rank, id, score, samples }) => ({
    ...{ rank, id, score },
    samples: samples.map(({ truth, prediction }) => ({
      truth: storedSketch(truth, named),
      prediction: storedSketch(prediction, named),
    })),
  }))
  const known = [...named].sort((a, b) => a - b).flatMap((id) => labels[id] ?? [])
  return {
    digest,
    labels: known.map(({ id, name, skeleton }) => ({ id, name, ...(skeleton && { skeleton }) })),
    pictures: stored,
  }
}

/** @param named gets the labels of the sketch */
function storedSketch(sketch: Sketch, named: Set<number>): StoredSketch {
  if (sketch.type === 'mask') {
    for (const label of new Set(sketch.classes)) named.add(label)
    return { type: 'mask', png: Buffer.from(encodeMask(sketch)).toString('base64') }
  }
  if (sketch.type === 'classes') {
    const classes = sketch.classes.slice(0, MAX_CLASSES)
    for (const { label } of classes) named.add(label)
    return { type: 'classes', classes: classes.map(withFiniteScore) }
  }
  const objects = bestObjects(sketch.objects)
  for (const { label } of objects) named.add(label)
  return { type: 'objects', objects: objects.map(storedObject) }
}

/** Of weights that have diverged, an object may have no place. */
function bestObjects(objects: readonly SketchedObject[]): SketchedObject[] {
  return objects
    .filter(({ box, keypoints = [] }) => [...box, ...keypoints].every(Number.isFinite))
    .sort((a, b) => (b.score ?? 1) - (a.score ?? 1))
    .slice(0, MAX_OBJECTS)
}

function withFiniteScore<T extends { readonly score?: number }>({
  score,
  ...rest
}: T): Omit<T, 'score'> & { score?: number } {
  return { ...rest, ...(Number.isFinite(score) && { score: score as number }) }
}

/** Tenths of a pixel are enough to draw, and make the file much smaller. */
function storedObject(object: SketchedObject) {
  const [x, y, width, height] = object.box
  const { keypoints, ...rest } = withFiniteScore(object)
  return {
    ...rest,
    box: [tenths(x), tenths(y), tenths(width), tenths(height)] as [number, number, number, number],
    ...(keypoints && { keypoints: keypoints.map(tenths) }),
  }
}

function tenths(pixels: number): number {
  return Math.round(pixels * 10) / 10
}
