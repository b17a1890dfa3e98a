/** ImageNet folders: root/CLASS/IMAGE (paper.md §5). A unit is a group of images of all classes. */
import { dirname, join, normalize } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { seedOf } from '../../support/random.ts'
import type { ClassLabels, DatasetOf, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { similarName, someNames } from '../label-names.ts'
import { classDataset } from '../labelled-dataset.ts'
import { flatLabels, type LabelMap, readLabels } from '../labels.ts'
import { readPicture } from '../picture-file.ts'
import { picturesOf, scanClass } from '../scan/class-folder.ts'
import { scanClassFolders } from '../scan/class-folders.ts'
import { inParallel } from '../scan/in-parallel.ts'
import { Tally } from '../scan/kinds.ts'
import { foldersIn } from '../scan/listing.ts'
import { isSplit } from '../scan/names.ts'
import { inSubset } from '../subset.ts'
import { inUnits } from '../units.ts'

interface ImageFile {
  /** CLASS/IMAGE, because image names repeat between classes. */
  id: string
  label: number
}

export const imagenetFolder: DataFormat = {
  name: 'imagenet-folder',
  contents: 'class folders with pictures',
  examplesAre: 'files',
  detect: hasClasses,
  open: openFolder,
}

/**
 * Folders named `train` or `val` are parts of a data set, not classes, if their pictures are in folders of their own.
 */
async function hasClasses(folder: string): Promise<boolean> {
  const inside = await foldersIn(folder)
  const areSplits = inside.every(isSplit)
  for (const name of inside) {
    const [picture] = await picturesOf(folder, name)
    const isClass = picture !== undefined && (!areSplits || dirname(picture) === name)
    if (isClass || areSplits) return isClass
  }
  return false
}

/**
 * Without a labels file, class folders are numbered in alphabetical order. With one, a folder has the label of its
 * name, so that a set without some of the classes numbers the others the same way. docs/formats/imagenet-folder.md
 * lists what else may be there.
 * @throws DownpourError LABELS_INVALID, LABEL_UNKNOWN for a folder without a label; DATA_UNREADABLE, DATA_NAMES,
 * DATA_SPLITS, DATA_NESTED, DATA_NO_PICTURES
 */
async function openFolder(root: string, { labels: labelsFile, subset }: FormatOptions): Promise<DatasetOf<'classes'>> {
  const tally = new Tally()
  const given = labelsFile ? await readLabels(join(root, labelsFile)) : undefined
  const classes = await scanClassFolders(root, usedNames(labelsFile, given), tally)
  const labels = given ?? flatLabels(classes.map(({ name }) => name))
  const indexOf = folderIndex(labels, root)
  const labelled = classes.map(({ folder, name }) => ({ folder, label: indexOf(name) }))
  const images = await inParallel(labelled, ({ folder, label }) => picturesIn(root, folder, label, tally))
  const chosen = spreadClasses(images.flat().filter(({ id }) => inSubset(id, subset)))
  const { units, counts, imagesOf } = inUnits(chosen)
  const files = {
    passedOver: tally.list(),
    units,
    itemCounts: counts,
    async *read(unit: number, isWanted = (_id: string) => true) {
      for (const image of imagesOf(unit)) if (isWanted(image.id)) yield await readImage(root, image)
    },
    ids: (unit: number) => imagesOf(unit).map(({ id }) => id),
  }
  return classDataset(files, labels, root)
}

/** The labels file is not counted as passed over. A folder that contains it is a class only if a label has its name. */
function usedNames(path: string | undefined, labels: LabelMap | undefined): string[] {
  const [first] = path === undefined ? [] : normalize(path).split('/')
  return first === undefined || labels?.labels.some(({ name }) => name === first) ? [] : [first]
}

function folderIndex({ labels }: LabelMap, root: string): (folder: string) => number {
  const ids = new Map(labels.map(({ id, name }) => [name.normalize('NFC'), id]))
  return (folder) => {
    const id = ids.get(folder)
    if (id !== undefined) return id
    const have = someNames(labels.map(({ name }) => name))
    const message = `${printable(join(root, folder))}: the labels file has no label of that name; it has ${have}${similarName([folder], labels)}`
    throw new DownpourError('LABEL_UNKNOWN', message, { folder })
  }
}

async function picturesIn(root: string, folder: string, label: number, tally: Tally): Promise<ImageFile[]> {
  return (await scanClass(root, folder, tally)).map((id) => ({ id, label }))
}

/** Orders images by a hash of their name, so that a unit has images of all classes, the same on every worker. */
function spreadClasses(images: readonly ImageFile[]): ImageFile[] {
  return images
    .map((image) => ({ image, rank: seedOf('spread', image.id) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ image }) => image)
}

async function readImage(root: string, { id, label }: ImageFile): Promise<Item<ClassLabels>> {
  const picture = await readPicture(root, id)
  if (picture.type === 'corrupt') return picture
  const { bytes, where } = picture
  return { type: 'example', id, bytes, annotation: { labels: [label] }, where }
}
