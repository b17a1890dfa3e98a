/** Finds the annotations file and the pictures of a COCO folder: annotations/instances_train2017.json beside train2017/. */
import { dirname, join } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { someNames } from '../label-names.ts'
import { readHead } from '../regular-file.ts'
import { listFolder } from '../scan/listing.ts'
import { isSystem } from '../scan/names.ts'
import { statIfThere } from '../unreadable.ts'
import type { CocoImage } from './index-file.ts'

const ANNOTATIONS = 'annotations'
/** Files of COCO without objects: sentences, lists of pictures, regions that have masks of other kinds. */
const WITHOUT_OBJECTS = /^(captions|image_info|panoptic|stuff)_/
const HEAD_BYTES = 256
/** How the object of a COCO file begins. */
const COCO_HEAD = /^\ufeff?\s*\{\s*"(info|licenses|images|annotations|categories)"\s*:/
/** Pictures that are looked for before a folder counts as the wrong one: a few may be missing. */
const SOUGHT = 16

/** Paths of the files with objects, relative to `root`, by their names and first bytes. */
export async function findAnnotationFiles(root: string): Promise<string[]> {
  const found: string[] = []
  for (const folder of ['', ANNOTATIONS]) {
    for (const name of await jsonFiles(join(root, folder))) {
      const path = join(folder, name)
      if (await isCocoFile(join(root, path))) found.push(path)
    }
  }
  return found
}

/** @throws DownpourError DATA_MISSING, DATA_AMBIGUOUS with the choices */
export async function chooseAnnotationFile(root: string, given: string | undefined): Promise<string> {
  if (given !== undefined) {
    if (await statIfThere(join(root, given))) return given
    throw new DownpourError('DATA_MISSING', `${join(root, given)}: no such annotations file`, { root })
  }
  const [first, ...others] = await findAnnotationFiles(root)
  const choose = 'name it with annotations (spec.data.annotations, or the option --annotations)'
  if (first === undefined) {
    const message = `${root}: no annotations file of COCO, here or in ${ANNOTATIONS}/; ${choose}`
    throw new DownpourError('DATA_MISSING', message, { root })
  }
  if (others.length === 0) return first
  const message = `${root}: ${others.length + 1} annotations files: ${someNames([first, ...others])}; choose one: ${choose}`
  throw new DownpourError('DATA_AMBIGUOUS', message, { root, files: [first, ...others] })
}

/**
 * The folder of the pictures, relative to `root`: `given`, or the first of the usual ones that has a picture of the file.
 * @throws DownpourError DATA_MISSING
 */
export async function findPictures(
  root: string,
  annotations: string,
  images: readonly CocoImage[],
  given: string | undefined,
): Promise<string> {
  const candidates = given === undefined ? usualFolders(annotations) : [given]
  for (const folder of candidates) {
    for (const { fileName } of images.slice(0, SOUGHT))
      if (await statIfThere(join(root, folder, fileName))) return folder
  }
  const example = printable(images[0]?.fileName ?? '')
  const where = candidates.map((folder) => join(root, folder)).join(', ')
  const set = 'set images to the folder of the pictures (spec.data.images, or the option --images)'
  const message = `${join(root, annotations)}: its pictures, such as ${example}, are not in ${where}; ${set}`
  throw new DownpourError('DATA_MISSING', message, { root, folders: candidates })
}

/** For annotations/instances_train2017.json: train2017, images/train2017, images, the folder of the file, the root. */
function usualFolders(annotations: string): string[] {
  const name = annotations.slice(annotations.lastIndexOf('/') + 1).replace(/\.json$/i, '')
  const parts = name.split('_')
  const splits = parts.map((_, i) => parts.slice(i).join('_'))
  const folders = splits.flatMap((split) => [split, join('images', split)])
  return [...folders, 'images', dirname(annotations), '.']
}

async function jsonFiles(folder: string): Promise<string[]> {
  if (!(await statIfThere(folder))) return []
  const names = (await listFolder(folder)).filter(({ type }) => type !== 'folder').map(({ name }) => name)
  return names.filter((name) => /\.json$/i.test(name) && !isSystem(name) && !WITHOUT_OBJECTS.test(name))
}

async function isCocoFile(path: string): Promise<boolean> {
  const found = await statIfThere(path)
  return found?.isFile() === true && COCO_HEAD.test((await readHead(path, HEAD_BYTES)).toString('utf8'))
}
