/** A VOC folder (VOCdevkit/VOC2007): the images of a set, their objects and their masks. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { shownValue } from '../../support/shown.ts'
import { readRegular } from '../regular-file.ts'
import { parseAnnotation, type VocAnnotation } from './annotation.ts'
import type { SetKind } from './image-sets.ts'
import { type Mask, readMask } from './mask.ts'
import { xmlText } from './xml-text.ts'

/** Room for an image set of millions of names. */
const MAX_TEXT_BYTES = 256 * 2 ** 20
/** Folders of class masks; the first has more of them (the augmented set), where it exists. */
export const MASK_FOLDERS = ['SegmentationClassAug', 'SegmentationClass']

export const VOC_CLASSES = [
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'diningtable',
  'dog',
  'horse',
  'motorbike',
  'person',
  'pottedplant',
  'sheep',
  'sofa',
  'train',
  'tvmonitor',
] as const

/**
 * Names of the images in ImageSets/KIND/SET.txt. @throws DownpourError VOC_INVALID
 */
export async function readImageSet(root: string, kind: SetKind, set: string): Promise<string[]> {
  const file = join(root, 'ImageSets', kind, `${set}.txt`)
  const lines = (await readBytes(file))
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
  const names = lines.filter(Boolean).map((line) => line.split(/\s+/)[0] as string)
  if (names.length === 0) throw new DownpourError('VOC_INVALID', `${file}: no image in the set`)
  const path = names.find((name) => /[/\\\0]/.test(name))
  if (path !== undefined) throw new DownpourError('VOC_INVALID', `${file}: ${shownValue(path)}: expected a file's name`)
  const twice = names.length === new Set(names).size ? undefined : names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new DownpourError('VOC_INVALID', `${file}: ${twice} stands in the set twice`)
  return names
}

/** @throws DownpourError VOC_INVALID */
export async function readAnnotation(root: string, name: string): Promise<VocAnnotation> {
  const file = join(root, 'Annotations', `${name}.xml`)
  return parseAnnotation(xmlText(await readBytes(file), file), file)
}

/** @throws DownpourError VOC_INVALID, MASK_INVALID */
export async function readClassMask(root: string, name: string): Promise<Mask & { readonly file: string }> {
  for (const folder of MASK_FOLDERS) {
    const file = join(root, folder, `${name}.png`)
    const bytes = await readFile(file).catch(ifMissing)
    if (bytes) return { ...readMask(bytes, file), file }
  }
  const file = join(root, 'SegmentationClass', `${name}.png`)
  throw new DownpourError('VOC_INVALID', `${file}: no such file`, { file })
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readRegular(file, MAX_TEXT_BYTES)
  } catch (error) {
    if (errorCode(error) !== 'DATA_UNREADABLE') throw error
    const message = errorMessage(error)
    throw new DownpourError('VOC_INVALID', message, { file }, { cause: error })
  }
}

function ifMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error
}
