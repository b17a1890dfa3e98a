/** Finds the data sets of a folder: itself, or those inside it, as `data make` and most archives arrange them. */
import { join } from 'node:path'
import type { DataFormatName } from '../../contract/data-formats.ts'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import type { DataPart } from '../format.ts'
import { FORMATS } from '../formats.ts'
import { foldersIn, listFolder } from '../scan/listing.ts'
import { statIfThere } from '../unreadable.ts'

export interface FoundSet {
  folder: string
  format: DataFormatName
  /** One of several annotations files or image sets. */
  part?: DataPart
}

/** `downstream/train` is two levels deep. */
const DEPTH = 2

/** @throws DownpourError DATA_FORMAT_UNKNOWN, DATA_MISSING, DATA_UNREADABLE */
export async function findSets(folder: string): Promise<FoundSet[]> {
  await mustBeFolder(folder)
  const found = await setsIn(folder, DEPTH)
  if (found.length > 0) return found
  const names = (await listFolder(folder)).map(({ name }) => printable(name))
  const inside = names.length > 0 ? `has no data set; inside are ${names.slice(0, 10).join(', ')}` : 'is empty'
  const expected = Object.values(FORMATS).map(({ contents }) => contents)
  const message = `${folder}: ${inside}. Expected one of: ${expected.join(', ')}. Give the folder that has them, or --format`
  throw new DownpourError('DATA_FORMAT_UNKNOWN', message, { folder })
}

async function mustBeFolder(folder: string): Promise<void> {
  if (!(await statIfThere(folder))?.isDirectory())
    throw new DownpourError('DATA_MISSING', `${folder}: no such folder`, { folder })
}

async function setsIn(folder: string, depth: number): Promise<FoundSet[]> {
  for (const format of Object.values(FORMATS)) {
    if (await format.detect(folder)) return [{ folder, format: format.name }]
  }
  const found: FoundSet[] = []
  if (depth > 0)
    for (const name of await foldersIn(folder)) found.push(...(await setsIn(join(folder, name), depth - 1)))
  return found
}
