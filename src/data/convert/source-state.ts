/** Tells whether the files of a data set have changed since a conversion began, without reading them. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inParallel } from '../scan/in-parallel.ts'
import { followLink, listFolder } from '../scan/listing.ts'
import { isSystem } from '../scan/names.ts'
import { isMissing, unreadable } from '../unreadable.ts'

/** A digest of names, sizes and times of the files directly in each folder, by its path. */
export type SourceState = Readonly<Record<string, string>>

/**
 * @param paths files and folders, relative to `root`
 * @throws DownpourError DATA_UNREADABLE; Node's error when the storage fails
 */
export async function stateOf(root: string, paths: readonly string[]): Promise<SourceState> {
  const files = new Map<string, string[]>()
  for (const path of paths) await collect(root, path, files)
  const folders = [...files.keys()].sort()
  const digests = await inParallel(folders, (folder) => digestOf(root, (files.get(folder) as string[]).sort()))
  return Object.fromEntries(folders.map((folder, i) => [folder, digests[i] as string]))
}

/** @returns paths of the folders whose files differ */
export function changedFolders(before: SourceState, now: SourceState): string[] {
  const all = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...all].filter((folder) => before[folder] !== now[folder]).sort()
}

/** Adds the files at or below `path`, each to its folder. */
async function collect(root: string, path: string, files: Map<string, string[]>): Promise<void> {
  const found = await stat(join(root, path)).catch((error) => {
    if (!isMissing(error)) throw unreadable(join(root, path), error)
  })
  if (found && !found.isDirectory()) return add(files, dirname(path), [path])
  if (found) await collectFolder(root, path, files)
}

async function collectFolder(root: string, folder: string, files: Map<string, string[]>): Promise<void> {
  const entries = (await listFolder(join(root, folder))).filter(({ name }) => !isSystem(name))
  const types = await inParallel(entries, ({ name, type }) =>
    type === 'link' ? followLink(join(root, folder), name) : Promise.resolve(type),
  )
  const paths = entries.map(({ name }) => join(folder, name))
  const isFolder = (i: number) => types[i] === 'folder'
  add(
    files,
    folder,
    paths.filter((_, i) => !isFolder(i)),
  )
  for (const [i, path] of paths.entries()) if (isFolder(i)) await collectFolder(root, path, files)
}

function add(files: Map<string, string[]>, folder: string, paths: readonly string[]): void {
  const known = files.get(folder)
  if (known) for (const path of paths) known.push(path)
  else files.set(folder, [...paths])
}

async function digestOf(root: string, paths: readonly string[]): Promise<string> {
  const lines = await inParallel(paths, async (path) => {
    const found = await stat(join(root, path)).catch(() => undefined)
    return `${path}\0${found?.size}\0${found && Math.trunc(found.mtimeMs)}\n`
  })
  const hash = createHash('sha256')
  for (const line of lines) hash.update(line)
  return hash.digest('hex')
}
