/** The data sets under a folder: itself, or those inside, as `data make` and most archives lay them out. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataConfig } from '../../contract/runtime.ts'
import { DownpourError, errorCode } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { scanClass } from '../scan/class-folder.ts'
import { Tally } from '../scan/kinds.ts'
import { followLink, listFolder } from '../scan/listing.ts'
import { isCompressedName, isSplit, isSystem } from '../scan/names.ts'
import { isRecordName } from '../scan/shards.ts'
import { isMissing, unreadable } from '../unreadable.ts'

export interface FoundSet {
  folder: string
  format: DataConfig['format']
}

/** `downstream/train` lies two folders deep. */
const DEPTH = 2
const NO_CLASS = new Set(['DATA_NESTED', 'DATA_NO_PICTURES'])

/** @throws DownpourError DATA_FORMAT_UNKNOWN, DATA_MISSING, DATA_UNREADABLE */
export async function findSets(folder: string): Promise<FoundSet[]> {
  await mustBeFolder(folder)
  const found = await setsIn(folder, DEPTH)
  if (found.length > 0) return found
  const names = (await listFolder(folder)).map(({ name }) => printable(name))
  const inside = names.length > 0 ? `; inside are ${names.slice(0, 10).join(', ')}` : '; it is empty'
  const message = `${folder}: neither TFRecord files nor folders of images${inside}; name the folder that holds them, or say --format`
  throw new DownpourError('DATA_FORMAT_UNKNOWN', message, { folder })
}

async function mustBeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error) => {
    if (!isMissing(error)) throw unreadable(folder, error)
  })
  if (!found?.isDirectory()) throw new DownpourError('DATA_MISSING', `${folder}: no such folder`, { folder })
}

async function setsIn(folder: string, depth: number): Promise<FoundSet[]> {
  const entries = await listFolder(folder)
  if (entries.some(({ name, type }) => type !== 'folder' && isShard(name))) return [{ folder, format: 'tfrecord' }]
  const folders = await foldersIn(folder)
  const inside = folders.every(isSplit) ? await setsInside(folder, folders, depth) : []
  if (inside.length > 0) return inside
  for (const name of folders) if (await isClass(folder, name)) return [{ folder, format: 'imagenet-folder' }]
  return setsInside(folder, folders, depth)
}

async function setsInside(folder: string, names: readonly string[], depth: number): Promise<FoundSet[]> {
  const found: FoundSet[] = []
  if (depth > 0) for (const name of names) found.push(...(await setsIn(join(folder, name), depth - 1)))
  return found
}

async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = []
  for (const { name, type } of await listFolder(folder)) {
    if (isSystem(name)) continue
    const target = type === 'link' ? await followLink(folder, name) : type
    if (target === 'folder') names.push(name)
  }
  return names
}

function isShard(name: string): boolean {
  return !isSystem(name) && (isRecordName(name) || (isCompressedName(name) && isRecordName(name.replace(/\.\w+$/, ''))))
}

async function isClass(root: string, folder: string): Promise<boolean> {
  try {
    return (await scanClass(root, folder, new Tally())).length > 0
  } catch (error) {
    if (NO_CLASS.has(errorCode(error))) return false
    throw error
  }
}
