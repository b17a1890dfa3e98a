/** Finds the class folders of a data set. */
import { join } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { SIGNATURE_BYTES, signatureOf } from '../codecs/signature.ts'
import { readHead } from '../regular-file.ts'
import { inParallel } from './in-parallel.ts'
import type { Kind, Tally } from './kinds.ts'
import { type Entry, followLink, listFolder } from './listing.ts'
import { isBadName, isPictureName, isSplit, isSystem, kindByName, lookalikeKey } from './names.ts'

export interface ClassFolder {
  /** As the file system spells it. */
  folder: string
  /** In Unicode form NFC: macOS stores accents as separate characters, and both forms are the same class. */
  name: string
}

/**
 * In the order of their names. Counts in `tally` what else is there, except `used`, which are files with another
 * purpose.
 * @throws DownpourError DATA_UNREADABLE, DATA_NAMES, DATA_SPLITS
 */
export async function scanClassFolders(root: string, used: readonly string[], tally: Tally): Promise<ClassFolder[]> {
  const entries = (await listFolder(root)).filter(({ name }) => !used.includes(name))
  const kinds = await inParallel(entries, (entry) => kindOf(root, entry))
  const folders = entries.filter((_, i) => kinds[i] === 'class').map(({ name }) => name)
  entries.forEach(({ name }, i) => {
    const kind = kinds[i] as Kind | 'class'
    if (kind !== 'class') tally.add(kind, name)
  })
  const classes = folders.map((folder) => ({ folder, name: folder.normalize('NFC') })).sort(byName)
  mustDiffer(root, classes)
  if (used.length === 0) mustBeNoSplits(root, classes)
  for (const [first, other] of lookalikes(classes)) tally.add('lookalike', `"${other}" beside "${first}"`)
  return classes
}

async function kindOf(root: string, { name, type }: Entry): Promise<Kind | 'class'> {
  if (isSystem(name)) return 'system'
  const target = type === 'link' ? await followLink(root, name) : type
  if (target === 'nowhere') return 'badLink'
  if (target === 'special') return 'special'
  if (target === 'file') return kindByName(name) ?? (await kindOfFile(root, name))
  if (isBadName(name)) throw badName(root, name)
  return 'class'
}

async function kindOfFile(root: string, name: string): Promise<Kind> {
  if (isPictureName(name)) return 'strayPicture'
  const content = signatureOf(await readHead(join(root, name), SIGNATURE_BYTES))?.content ?? 'other'
  return content === 'picture' ? 'strayPicture' : content
}

function mustDiffer(root: string, classes: readonly ClassFolder[]): void {
  const twice = classes.find(({ name }, i) => classes[i + 1]?.name === name)
  if (!twice) return
  const message = `${root}: two class folders are named "${printable(twice.name)}", with accents in two Unicode forms; merge them`
  throw new DownpourError('DATA_NAMES', message, { name: twice.name })
}

/** Folders named train, val and test: the user probably meant one of them as the root. */
function mustBeNoSplits(root: string, classes: readonly ClassFolder[]): void {
  if (classes.length === 0 || !classes.every(({ name }) => isSplit(name))) return
  const names = classes.map(({ name }) => name)
  const message = `${root}: its folders ${names.join(', ')} are named like parts of a data set, not like classes; use one of them (spec.data.source.path: …/${names[0]})`
  throw new DownpourError('DATA_SPLITS', message, { names })
}

function lookalikes(classes: readonly ClassFolder[]): [string, string][] {
  const seen = new Map<string, string>()
  return classes.flatMap(({ name }): [string, string][] => {
    const key = lookalikeKey(name)
    const before = seen.get(key)
    if (before !== undefined) return [[before, name]]
    seen.set(key, name)
    return []
  })
}

function badName(root: string, name: string): DownpourError {
  const message = `${root}: the name of folder "${printable(name)}" is not UTF-8; rename it, because the name of a folder is its class`
  return new DownpourError('DATA_NAMES', message, { name })
}

function byName(a: ClassFolder, b: ClassFolder): number {
  return a.name < b.name ? -1 : 1
}
