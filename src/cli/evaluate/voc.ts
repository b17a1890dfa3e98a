/** Scores VOC result files against a VOC folder, as the development kit does. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readAnnotation, readClassMask, readImageSet, VOC_CLASSES } from '../../data/voc/folder.ts'
import { readMask } from '../../data/voc/mask.ts'
import { readDetections } from '../../data/voc/results.ts'
import { ConfusionMatrix } from '../../scores/mean-iou.ts'
import { type VocMethod, type VocObject, vocAveragePrecision, vocCurve } from '../../scores/voc.ts'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'

/** Classes of VOC's segmentation: background and 20 objects. */
const MASK_CLASSES = 21

export interface VocFiles {
  /** VOCdevkit/VOC2007, say. */
  readonly groundTruth: string
  /** The folder of the result files. */
  readonly predictions: string
  /** Name of the image set. */
  readonly imageSet: string
}

export interface ClassScores {
  readonly summary: Readonly<Record<string, number>>
  readonly byCategory: Readonly<Record<string, number>>
  readonly images: number
}

/**
 * A class without an object that counts has no average precision and is not part of the mean.
 * @throws DownpourError VOC_INVALID, PREDICTIONS_MISSING
 */
export async function scoreVocDetection(files: VocFiles, method: VocMethod): Promise<ClassScores> {
  const names = await readImageSet(files.groundTruth, 'Main', files.imageSet)
  const images = new Set(names)
  const objects = await objectsByClass(files.groundTruth, names)
  const results = await resultFiles(files)
  mustKnow(results, objects)
  const byCategory: Record<string, number> = {}
  for (const name of [...new Set([...objects.keys(), ...results.keys()])].sort()) {
    const file = results.get(name)
    const detections = file === undefined ? [] : await readDetections(file, images)
    const curve = vocCurve(objects.get(name) ?? [], detections)
    if (curve) byCategory[name] = vocAveragePrecision(curve, method)
  }
  const values = Object.values(byCategory)
  const mAP = values.reduce((sum, value) => sum + value, 0) / values.length
  return { summary: { mAP }, byCategory, images: names.length }
}

/** A class of VOC may be without objects in a small set. Any other name that no annotation has is most likely misspelt. */
function mustKnow(results: ReadonlyMap<string, string>, objects: ReadonlyMap<string, unknown>): void {
  const known = new Set<string>([...objects.keys(), ...VOC_CLASSES])
  const unknown = [...results.keys()].find((name) => !known.has(name))
  if (unknown === undefined) return
  const expected = `a class of the annotations: ${[...objects.keys()].sort().join(', ')}`
  throw new DownpourError('VOC_INVALID', `${results.get(unknown)}: ${shownValue(unknown)}: expected ${expected}`)
}

async function objectsByClass(root: string, names: readonly string[]): Promise<Map<string, VocObject[]>> {
  const objects = new Map<string, VocObject[]>()
  for (const image of names) {
    const annotation = await readAnnotation(root, image)
    for (const { name, box, difficult } of annotation.objects) {
      const list = objects.get(name) ?? []
      objects.set(name, list)
      list.push({ image, box, difficult })
    }
  }
  return objects
}

/** The file of each class: comp4_det_test_car.txt has the detections of cars. Class names may have underscores. */
async function resultFiles({ predictions, imageSet }: VocFiles): Promise<Map<string, string>> {
  const competition = /^comp\d+_det_/
  const found = (await readdir(predictions)).sort().flatMap((file) => {
    const rest = file.replace(competition, '')
    const isResult = competition.test(file) && rest.startsWith(`${imageSet}_`) && rest.endsWith('.txt')
    return isResult ? [[rest.slice(imageSet.length + 1, -'.txt'.length), join(predictions, file)] as const] : []
  })
  const twice = found.find(([name], i) => found.findIndex(([other]) => other === name) !== i)
  if (twice) throw new DownpourError('VOC_INVALID', `${twice[1]}: another file has results of ${twice[0]}, too`)
  if (found.length > 0) return new Map(found)
  const expected = `comp4_det_${imageSet}_CLASS.txt`
  throw new DownpourError('PREDICTIONS_MISSING', `${predictions}: no result file: expected files named ${expected}`)
}

/** @throws DownpourError VOC_INVALID, MASK_INVALID, MASK_SIZE, MASK_CLASS, PREDICTIONS_MISSING */
export async function scoreVocSegmentation(files: VocFiles, classes: readonly string[]): Promise<ClassScores> {
  const names = await readImageSet(files.groundTruth, 'Segmentation', files.imageSet)
  const matrix = new ConfusionMatrix(MASK_CLASSES)
  for (const name of names) await addMasks(files, name, matrix)
  const { mean, byClass, pixelAccuracy } = matrix.result()
  const labels = ['background', ...classes]
  const present = labels.flatMap((label, i) => (Number.isNaN(byClass[i]) ? [] : [[label, byClass[i]]]))
  return { summary: { mIOU: mean, pixelAccuracy }, byCategory: Object.fromEntries(present), images: names.length }
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
  matrix.add(truth.classes, predicted.classes)
}
