/** The image sets of a VOC folder: ImageSets/Main for boxes of objects, ImageSets/Segmentation for masks of classes. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { someNames } from '../label-names.ts'
import { listFolder } from '../scan/listing.ts'
import { isSystem } from '../scan/names.ts'
import { statIfThere } from '../unreadable.ts'

export const SET_KINDS = ['Main', 'Segmentation'] as const
export type SetKind = (typeof SET_KINDS)[number]

const NO_SETS = 'no image set: expected Main/SET.txt or Segmentation/SET.txt, with the name of an image a line'

export interface SetName {
  readonly kind: SetKind
  readonly name: string
}

/** Main has a file for each class besides, such as car_train.txt, with a number behind each name. */
export async function findImageSets(root: string): Promise<SetName[]> {
  const found: SetName[] = []
  for (const kind of SET_KINDS) {
    const folder = join(root, 'ImageSets', kind)
    for (const name of await textFiles(folder)) {
      const [first = ''] = (await readFile(join(folder, `${name}.txt`), 'utf8')).trimStart().split('\n', 1)
      if (/^\S+\s*$/.test(first)) found.push({ kind, name })
    }
  }
  return found
}

/** @param given Main/SET or Segmentation/SET. @throws DownpourError DATA_AMBIGUOUS, DATA_MISSING: with the choices */
export async function chooseImageSet(root: string, given: string | undefined): Promise<SetName> {
  const found = await findImageSets(root)
  const named = given === undefined ? found : found.filter(({ kind, name }) => `${kind}/${name}` === given)
  const [first, ...others] = named
  if (first !== undefined && others.length === 0) return first
  if (found.length === 0) throw new DownpourError('DATA_MISSING', `${join(root, 'ImageSets')}: ${NO_SETS}`, { root })
  const choices = someNames(found.map(({ kind, name }) => `${kind}/${name}`))
  const message = `${join(root, 'ImageSets')}: ${given === undefined ? 'several image sets' : `no set ${given}`}; there are ${choices}: name one with imageSet (spec.data.imageSet, or the option --image-set)`
  throw new DownpourError(given === undefined ? 'DATA_AMBIGUOUS' : 'DATA_MISSING', message, { root })
}

async function textFiles(folder: string): Promise<string[]> {
  if (!(await statIfThere(folder))?.isDirectory()) return []
  const names = (await listFolder(folder)).filter(({ name, type }) => type !== 'folder' && !isSystem(name))
  return names.flatMap(({ name }) => (name.endsWith('.txt') ? [name.slice(0, -'.txt'.length)] : []))
}
