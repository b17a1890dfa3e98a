/** Scores VOC result files against a VOC folder, as the development kit does. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { someNames } from '../../data/label-names.ts'
import { statIfThere } from '../../data/unreadable.ts'
import { readAnnotation, readClassMask, readImageSet, VOC_CLASSES } from '../../data/voc/folder.ts'
import { findImageSets, type SetKind } from '../../data/voc/image-sets.ts'
import { mustHaveClasses, readMask } from '../../data/voc/mask.ts'
import { readDetections } from '../../data/voc/results.ts'
import { ConfusionMatrix } from '../../scores/mean-iou.ts'
import type { VocDetection, VocMethod, VocObject } from '../../scores/voc.ts'
import { vocScores } from '../../scores/voc-classes.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import { fileProgress, type OnProgress } from './progress.ts'
import type { Scores } from './scores.ts'

/** Classes of VOC's segmentation: background and 20 objects. */
const MASK_CLASSES = 21

export interface VocFiles {
  /** VOCdevkit/VOC2007, say. */
  readonly groundTruth: string
  /** The folder of the result files. */
  readonly predictions: string
  /** Name of the image set. */
  readonly imageSet: string
  readonly onProgress?: OnProgress | undefined
}

/**
 * A class without an object that counts has no average precision and is not part of the mean.
 * @throws DownpourError VOC_INVALID, PREDICTIONS_MISSING
 */
export async function scoreVocDetection(files: VocFiles, method: VocMethod): Promise<Scores> {
  const names = await imagesOf(files, 'Main')
  const objects = await objectsOf(files, names)
  const results = await resultFiles(files)
  mustKnow(results, new Set(objects.map(({ name }) => name)))
  const images = new Set(names)
  const detections: NamedDetection[] = []
  for (const [name, file] of results)
    for (const detection of await readDetections(file, images)) detections.push({ ...detection, name })
  const { mAP, byClass } = vocScores(objects, detections, method)
  const warnings = warningsOf(
    objects,
    detections,
    [...byClass.keys()].filter((name) => !results.has(name)),
  )
  return { summary: { mAP }, byCategory: Object.fromEntries(byClass), images: names.length, warnings }
}

/** The images of the set. @throws DownpourError VOC_INVALID; for a set that does not exist, with those that do */
async function imagesOf({ groundTruth, imageSet }: VocFiles, kind: SetKind): Promise<string[]> {
  const file = join(groundTruth, 'ImageSets', kind, `${imageSet}.txt`)
  if (await statIfThere(file)) return readImageSet(groundTruth, kind, imageSet)
  const sets = (await findImageSets(groundTruth)).flatMap((set) => (set.kind === kind ? [set.name] : []))
  const others =
    sets.length === 0 ? 'there is no image set of this kind' : `choose with --image-set: ${someNames(sets)}`
  throw new DownpourError('VOC_INVALID', `${file}: does not exist; ${others}`, { file })
}

type NamedObject = VocObject & { readonly name: string }
type NamedDetection = VocDetection & { readonly name: string }

function warningsOf(
  objects: readonly NamedObject[],
  detections: readonly NamedDetection[],
  missing: readonly string[],
): string[] {
  return [
    ...(objects.every(({ difficult }) => difficult) ? ['no object to find, so there is no average precision'] : []),
    ...(detections.length === 0 ? ['no detections, so nothing is found'] : []),
    ...(missing.length === 0 ? [] : [`no result file of ${missing.join(', ')}: the average precision is 0`]),
  ]
}

/** A class of VOC may be without objects in a small set. Any other name that no annotation has is most likely misspelt. */
function mustKnow(results: ReadonlyMap<string, string>, annotated: ReadonlySet<string>): void {
  const known = new Set<string>([...annotated, ...VOC_CLASSES])
  const unknown = [...results.keys()].find((name) => !known.has(name))
  if (unknown === undefined) return
  const expected = `a class of the annotations: ${[...annotated].sort().join(', ')}`
  throw new DownpourError('VOC_INVALID', `${results.get(unknown)}: ${shownValue(unknown)}: expected ${expected}`)
}

async function objectsOf({ groundTruth, onProgress }: VocFiles, names: readonly string[]): Promise<NamedObject[]> {
  const advance = fileProgress(names.length, onProgress)
  const objects: NamedObject[] = []
  for (const image of names) {
    const annotation = await readAnnotation(groundTruth, image)
    for (const { name, box, difficult } of annotation.objects) objects.push({ image, name, box, difficult })
    advance()
  }
  return objects
}

/** The file of each class: comp4_det_test_car.txt has the detections of cars. Class names may have underscores. */
async function resultFiles({ predictions, imageSet }: VocFiles): Promise<Map<string, string>> {
  const competition = /^comp\d+_det_/
  const found = (await readdir(predictions)).sort().flatMap((file) => {
    const rest = file.replace(competition, '')
    const isResult = competition.test(file) && rest.startsWith(`${imageSet}_`) && rest.endsWith('.txt')
    return isResult
      ? [[rest.slice(imageSet.length + 1, -'.txt'.length).normalize('NFC'), join(predictions, file)] as const]
      : []
  })
  const twice = found.find(([name], i) => found.findIndex(([other]) => other === name) !== i)
  if (twice) throw new DownpourError('VOC_INVALID', `${twice[1]}: another file has results of ${twice[0]}, too`)
  if (found.length > 0) return new Map(found)
  const expected = `comp4_det_${imageSet}_CLASS.txt`
  throw new DownpourError('PREDICTIONS_MISSING', `${predictions}: no result file: expected files named ${expected}`)
}

/** @throws DownpourError VOC_INVALID, MASK_INVALID, MASK_SIZE, MASK_CLASS, PREDICTIONS_MISSING */
export async function scoreVocSegmentation(files: VocFiles, classes: readonly string[]): Promise<Scores> {
  const names = await imagesOf(files, 'Segmentation')
  const matrix = new ConfusionMatrix(MASK_CLASSES)
  const advance = fileProgress(names.length, files.onProgress)
  for (const name of names) {
    await addMasks(files, name, matrix)
    advance()
  }
  const { mean, byClass, pixelAccuracy } = matrix.result()
  const labels = ['background', ...classes]
  const present = labels.flatMap((label, i) => (Number.isNaN(byClass[i]) ? [] : [[label, byClass[i]]]))
  const warnings = present.length === 0 ? ['every pixel is void, so there is no mean'] : []
  const summary = { mIOU: mean, pixelAccuracy }
  return { summary, byCategory: Object.fromEntries(present), images: names.length, warnings }
}

async function addMasks({ groundTruth, predictions }: VocFiles, name: string, matrix: ConfusionMatrix): Promise<void> {
  const file = join(predictions, `${name}.png`)
  const bytes = await readFile(file).catch((error) => {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new DownpourError('PREDICTIONS_MISSING', `${file}: no such file: expected a mask for each image of the set`)
  })
  const [truth, predicted] = [await readClassMask(groundTruth, name), readMask(bytes, file)]
  if (truth.width !== predicted.width || truth.height !== predicted.height) {
    const sizes = `${predicted.width}×${predicted.height}: expected ${truth.width}×${truth.height}`
    throw new DownpourError('MASK_SIZE', `${file}: ${sizes}, the size of ${basename(name)} in ${groundTruth}`)
  }
  mustHaveClasses(truth, MASK_CLASSES, truth.file)
  try {
    matrix.add(truth.classes, predicted.classes)
  } catch (error) {
    throw errorCode(error) === 'MASK_CLASS' ? new DownpourError('MASK_CLASS', `${file}: ${errorMessage(error)}`) : error
  }
}
