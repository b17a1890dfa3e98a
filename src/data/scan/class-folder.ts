/** Finds the pictures of one class: directly in its folder, or in the only folder inside it. */
import { basename, dirname, join } from 'node:path'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { SIGNATURE_BYTES, signatureOf } from '../codecs/signature.ts'
import { readHead } from '../regular-file.ts'
import { inParallel } from './in-parallel.ts'
import { type Kind, Tally } from './kinds.ts'
import { type Entry, followLink, listFolder } from './listing.ts'
import { isNoteOn, isPictureName, isSystem, kindByName, stemsOf } from './names.ts'

const NO_CLASS = new Set(['DATA_NESTED', 'DATA_NO_PICTURES'])

interface Contents {
  /** File names. */
  pictures: string[]
  folders: string[]
  /** The first entry that is neither and not a system file: an error about a folder without pictures names it. */
  instead: string | undefined
}

/**
 * Counts in `tally` what is passed over.
 * @returns pictures, relative to the root
 * @throws DownpourError DATA_NESTED, DATA_NO_PICTURES, DATA_UNREADABLE
 */
export async function scanClass(root: string, folder: string, tally: Tally): Promise<string[]> {
  const { pictures, folders, instead } = await contentsOf(root, folder, tally)
  const [only, ...others] = folders
  if (pictures.length === 0 && only !== undefined && others.length === 0) {
    const inside = join(folder, only)
    const inner = await contentsOf(root, inside, tally)
    if (inner.pictures.length > 0) {
      await mustHoldNoPictures(root, inside, inner.folders, tally)
      return inner.pictures
    }
  }
  await mustHoldNoPictures(root, folder, folders, tally)
  const first = instead ?? only
  if (pictures.length === 0 && first !== undefined) throw noPictures(join(root, folder), first)
  if (pictures.length === 0) tally.add('emptyClass', folder)
  return pictures
}

/** The pictures of a folder that may not be a class: none where `scanClass` would refuse it. */
export async function picturesOf(root: string, folder: string): Promise<string[]> {
  try {
    return await scanClass(root, folder, new Tally())
  } catch (error) {
    if (NO_CLASS.has(errorCode(error))) return []
    throw error
  }
}

async function contentsOf(root: string, folder: string, tally: Tally): Promise<Contents> {
  const found: Contents = { pictures: [], folders: [], instead: undefined }
  const unknown: string[] = []
  const path = join(root, folder)
  const passOver = (name: string, kind: Kind) => {
    tally.add(kind, join(folder, name))
    if (kind !== 'system') found.instead ??= name
  }
  for (const entry of await listFolder(path)) {
    const type = await typeOf(path, entry)
    const kind = type === 'folder' ? kindOfFolder(entry.name) : kindByName(entry.name)
    if (kind) passOver(entry.name, kind)
    else if (type === 'folder') found.folders.push(entry.name)
    else if (type === 'nowhere') passOver(entry.name, 'badLink')
    else if (type === 'special') passOver(entry.name, 'special')
    else if (isPictureName(entry.name)) found.pictures.push(entry.name)
    else unknown.push(entry.name)
  }
  const kinds = await kindsByContent(path, unknown, found.pictures)
  unknown.forEach((name, i) => {
    const kind = kinds[i] as Kind | 'picture'
    if (kind === 'picture') found.pictures.push(name)
    else passOver(name, kind)
  })
  return { ...found, pictures: found.pictures.sort().map((name) => join(folder, name)) }
}

/**
 * Links named like pictures are not followed here: data set hubs link every picture to a cache, and following all would
 * be slow.
 */
async function typeOf(path: string, { name, type }: Entry) {
  if (type !== 'link') return type
  return isSystem(name) || isPictureName(name) ? 'file' : await followLink(path, name)
}

function kindOfFolder(name: string): Kind | undefined {
  const kind = kindByName(name)
  return kind === 'system' || kind === 'badName' ? kind : undefined
}

async function kindsByContent(path: string, names: readonly string[], pictures: readonly string[]) {
  const stems = stemsOf(names.length > 0 ? pictures : [])
  return inParallel(names, async (name): Promise<Kind | 'picture'> => {
    if (isNoteOn(name, stems)) return 'other'
    return signatureOf(await readHead(join(path, name), SIGNATURE_BYTES))?.content ?? 'other'
  })
}

/**
 * Refuses pictures in deeper folders: they may be classes, masks or thumbnails, and a wrong guess would train on wrong
 * labels.
 */
async function mustHoldNoPictures(root: string, folder: string, inside: readonly string[], tally: Tally) {
  for (const name of inside) {
    const path = join(folder, name)
    const picture = await firstPicture(root, path)
    if (picture !== undefined) throw nested(root, picture)
    tally.add('folder', path)
  }
}

/** Does not follow links to folders, because they may form a cycle. */
async function firstPicture(root: string, folder: string): Promise<string | undefined> {
  const { pictures, folders } = await contentsOf(root, folder, new Tally())
  if (pictures.length > 0) return pictures[0]
  const links = new Set(
    (await listFolder(join(root, folder))).filter(({ type }) => type === 'link').map(({ name }) => name),
  )
  for (const name of folders.filter((inner) => !links.has(inner))) {
    const found = await firstPicture(root, join(folder, name))
    if (found !== undefined) return found
  }
}

function nested(root: string, picture: string): DownpourError {
  const folder = join(root, dirname(picture))
  const message = `${printable(folder)}: contains pictures (${printable(basename(picture))}) and is inside a class folder; pictures must be directly in the folder of their class. If this folder is a class, use the folder that it is in, ${printable(dirname(folder))} (spec.data.source.path); if not, move its pictures up, or move the folder away`
  return new DownpourError('DATA_NESTED', message, { folder })
}

function noPictures(path: string, first: string): DownpourError {
  const message = `${printable(path)}: a class folder without a readable picture; it contains ${printable(first)}; JPEG, PNG, WebP, GIF, TIFF and AVIF are read. Convert what is there, or move the folder away`
  return new DownpourError('DATA_NO_PICTURES', message, { folder: path })
}
