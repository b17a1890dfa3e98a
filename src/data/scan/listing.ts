/** Lists folders without a stat of each file, which would be slow for millions of pictures. Only links are followed. */
import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { errorCode } from '../../support/errors.ts'
import { unreadable } from '../unreadable.ts'
import { isSystem } from './names.ts'

export interface Entry {
  name: string
  type: 'file' | 'folder' | 'link' | 'special'
}
export type LinkTarget = 'file' | 'folder' | 'special' | 'nowhere'

/** Errors of a link whose target is missing, is in a cycle of links, or has a file in its path. */
const NOWHERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

/** Sorted by name. @throws DownpourError DATA_UNREADABLE; Node's error when the storage fails */
export async function listFolder(path: string): Promise<Entry[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    throw unreadable(path, error)
  })
  return entries.map((entry) => ({ name: entry.name, type: typeOf(entry) })).sort(byName)
}

/** Names of the folders inside, including links to folders, without those of systems and tools. */
export async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = []
  for (const { name, type } of await listFolder(folder)) {
    if (isSystem(name)) continue
    const target = type === 'link' ? await followLink(folder, name) : type
    if (target === 'folder') names.push(name)
  }
  return names
}

/**
 * What a link in `folder` points to. A link to a folder that contains it counts as `nowhere`, because it would be a
 * cycle.
 */
export async function followLink(folder: string, name: string): Promise<LinkTarget> {
  const path = join(folder, name)
  try {
    const type = typeOf(await stat(path))
    return type === 'folder' && (await leadsBack(folder, path)) ? 'nowhere' : type
  } catch (error) {
    if (NOWHERE.has(errorCode(error))) return 'nowhere'
    throw unreadable(path, error)
  }
}

async function leadsBack(folder: string, path: string): Promise<boolean> {
  const [from, to] = await Promise.all([realpath(folder), realpath(path)])
  return from === to || from.startsWith(to.endsWith(sep) ? to : `${to}${sep}`)
}

function typeOf(entry: Stats): Exclude<LinkTarget, 'nowhere'>
function typeOf(entry: Dirent): Entry['type']
function typeOf(entry: Dirent | Stats): Entry['type'] {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'folder'
  return entry.isSymbolicLink() ? 'link' : 'special'
}

function byName(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : 1
}
