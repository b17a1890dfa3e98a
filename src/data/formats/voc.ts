/** PASCAL VOC: a folder with ImageSets, JPEGImages, and Annotations or SegmentationClass. A unit is a range of images. */
import { join } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import type { MaskAnnotation, ObjectAnnotation } from '../annotations.ts'
import type { AnyDataset, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { maskDataset, objectDataset } from '../labelled-dataset.ts'
import { createLabelMap, type Label, type LabelMap, readLabels } from '../labels.ts'
import { readSizedPicture } from '../picture-file.ts'
import { foldersIn } from '../scan/listing.ts'
import { inSubset } from '../subset.ts'
import { inUnits } from '../units.ts'
import { statIfThere } from '../unreadable.ts'
import { MASK_FOLDERS, readAnnotation, readClassMask, readImageSet, VOC_CLASSES } from '../voc/folder.ts'
import { chooseImageSet, findImageSets, type SetKind } from '../voc/image-sets.ts'
import { encodeMask, mustHaveClasses } from '../voc/mask.ts'
import { objectsOf } from '../voc/objects.ts'

const PICTURES = 'JPEGImages'
const LABELS = 'labels.json'
const BACKGROUND = 'background'
/** What is read beside the pictures. */
const FOLDERS: Readonly<Record<SetKind, readonly string[]>> = { Main: ['Annotations'], Segmentation: MASK_FOLDERS }
/** VOC has .jpg alone; tools that write VOC's format keep the pictures as they are. */
const ENDINGS = ['.jpg', '.jpeg', '.png', '.JPG', '.JPEG', '.PNG']

export const voc: DataFormat = {
  name: 'voc',
  contents: 'images of a VOC image set',
  examplesAre: 'files',
  detect: isVocFolder,
  parts: async (folder) => (await findImageSets(folder)).map(({ kind, name }) => ({ imageSet: `${kind}/${name}` })),
  open: openVoc,
}

async function isVocFolder(folder: string): Promise<boolean> {
  const inside = await foldersIn(folder)
  return inside.includes('ImageSets') && inside.includes(PICTURES)
}

/**
 * The id of an example is its name in the image set. docs/formats/voc.md describes what counts as damage.
 * @throws DownpourError DATA_MISSING, DATA_AMBIGUOUS, DATA_UNREADABLE, VOC_INVALID, LABELS_INVALID
 */
async function openVoc(root: string, options: FormatOptions): Promise<AnyDataset> {
  const { kind, name } = await chooseImageSet(root, options.imageSet)
  const images = (await readImageSet(root, kind, name)).filter((image) => inSubset(image, options.subset))
  const given = await givenLabels(root, options.labels)
  const labels = given ? labelsFor(kind, given) : vocLabels(kind)
  const { units, counts, imagesOf } = inUnits(images)
  const files = <A>(read: (image: string) => Promise<Item<A>>) => ({
    units,
    passedOver: [],
    itemCounts: counts,
    paths: [join('ImageSets', kind, `${name}.txt`), PICTURES, ...FOLDERS[kind], options.labels ?? LABELS],
    async *read(unit: number) {
      for (const image of imagesOf(unit)) yield await orDamage(image, read)
    },
  })
  return kind === 'Main'
    ? objectDataset(
        files((image) => readObjects(root, image, labels.labels)),
        labels,
        root,
      )
    : maskDataset(
        files((image) => readMasked(root, image, labels.size)),
        labels,
        root,
      )
}

/** Main: 20 classes, which official files number from 1. Segmentation: the values of the masks, 0 for the background. */
function vocLabels(kind: SetKind): LabelMap {
  const names = kind === 'Main' ? VOC_CLASSES : [BACKGROUND, ...VOC_CLASSES]
  const numbered = (id: number) => (kind === 'Main' ? { categoryId: id + 1 } : {})
  return createLabelMap(names.map((name, id): Label => ({ id, name, parents: [], ...numbered(id) })))
}

/** A labels file of masks names the background, which no box has: the file serves the boxes of the same folder, too. */
function labelsFor(kind: SetKind, given: LabelMap): LabelMap {
  const [first, ...objects] = given.labels
  if (kind === 'Segmentation' || first?.name !== BACKGROUND) return given
  const shifted = (ids: readonly number[]) => ids.map((id) => id - 1).filter((id) => id >= 0)
  return createLabelMap(objects.map((label) => ({ ...label, id: label.id - 1, parents: shifted(label.parents) })))
}

/** The labels file that the options name, or the one in the folder. */
async function givenLabels(root: string, option: string | undefined): Promise<LabelMap | undefined> {
  const path = join(root, option ?? LABELS)
  return option !== undefined || (await statIfThere(path)) ? readLabels(path) : undefined
}

/** A file of one image that is wrong or missing is damage of this image. */
async function orDamage<A>(image: string, read: (image: string) => Promise<Item<A>>): Promise<Item<A>> {
  try {
    return await read(image)
  } catch (error) {
    if (!(error instanceof DownpourError && /^(VOC|MASK)_/.test(error.code))) throw error
    const file = String(error.details.file)
    const reason = error.message.startsWith(`${file}: `) ? error.message.slice(file.length + 2) : error.message
    return { type: 'corrupt', where: printable(file), reason: `image ${printable(image)}: ${reason}` }
  }
}

async function readObjects(root: string, image: string, labels: readonly Label[]): Promise<Item<ObjectAnnotation>> {
  const annotation = await readAnnotation(root, image)
  const { width, height } = annotation
  const annotated = objectsOf(annotation, { width, height }, labels, join(root, 'Annotations', `${image}.xml`))
  const fileName = await pictureName(root, image)
  const picture = await readSizedPicture(join(root, PICTURES), fileName, annotation)
  if (picture.type === 'corrupt') return { ...picture, reason: `image ${image}: ${picture.reason}` }
  const { bytes, where } = picture
  return { type: 'example', id: image, fileName, bytes, annotation: annotated, where }
}

async function readMasked(root: string, image: string, classes: number): Promise<Item<MaskAnnotation>> {
  const mask = await readClassMask(root, image)
  mustHaveClasses(mask, classes, mask.file)
  const fileName = await pictureName(root, image)
  const picture = await readSizedPicture(join(root, PICTURES), fileName, mask)
  if (picture.type === 'corrupt') return { ...picture, reason: `image ${image}: ${picture.reason}` }
  const { bytes, where } = picture
  const { width, height } = mask
  return { type: 'example', id: image, fileName, bytes, annotation: { width, height, png: encodeMask(mask) }, where }
}

/** The first name with a file; the first of all when there is none. */
async function pictureName(root: string, image: string): Promise<string> {
  for (const ending of ENDINGS) {
    if (await statIfThere(join(root, PICTURES, `${image}${ending}`))) return `${image}${ending}`
  }
  return `${image}${ENDINGS[0]}`
}
