/** Finds the shards of a data set in its folder. */
import { join, normalize } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { inParallel } from './in-parallel.ts'
import type { Kind, Tally } from './kinds.ts'
import { type Entry, followLink, listFolder } from './listing.ts'
import { isCompressedName, isSystem } from './names.ts'
import { chooseShards, type IsShardName } from './shards.ts'

export interface ShardSearch {
  /** Whether a name is that of a shard. */
  readonly isShardName: IsShardName
  /** Pattern of the names to read. */
  readonly pattern: string | undefined
  /** Files with another purpose, relative to the folder; they are not counted as passed over. */
  readonly used: readonly string[]
}

export async function hasShards(folder: string, isShardName: IsShardName): Promise<boolean> {
  const isShard = (name: string) =>
    !isSystem(name) && (isShardName(name) || (isCompressedName(name) && isShardName(name.replace(/\.\w+$/, ''))))
  return (await listFolder(folder)).some(({ name, type }) => type !== 'folder' && isShard(name))
}

/**
 * Counts in `tally` what is passed over.
 * @returns names, sorted
 * @throws DownpourError DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED
 */
export async function findShards(root: string, search: ShardSearch, tally: Tally): Promise<string[]> {
  const used = new Set(search.used.map(normalize))
  const entries = (await listFolder(root)).filter(({ name }) => !used.has(name))
  const types = await inParallel(entries, (entry) => typeOf(root, entry))
  const typeByName = new Map(entries.map(({ name }, i) => [name, types[i]]))
  const folders = entries.filter(({ name }) => typeByName.get(name) === 'folder')
  for (const { name } of folders) tally.add(isSystem(name) ? 'system' : 'folder', name)
  const names = entries.map(({ name }) => name).filter((name) => typeByName.get(name) !== 'folder')
  const { shards, passedOver } = chooseShards(root, names, search.pattern, search.isShardName)
  for (const { name, kind } of passedOver) tally.add(kindOfNoFile(typeByName.get(name), kind), name)
  const unusable = shards.find((name) => typeByName.get(name) !== 'file')
  if (unusable === undefined) return shards
  const what = typeByName.get(unusable) === 'nowhere' ? 'a broken link' : 'not a regular file'
  throw new DownpourError(
    'DATA_UNREADABLE',
    `${join(root, printable(unusable))}: is ${what}; copy the shard there, or remove it`,
  )
}

function kindOfNoFile(type: string | undefined, kind: Kind): Kind {
  if (kind === 'system' || type === 'file' || type === 'link') return kind
  return type === 'nowhere' ? 'badLink' : 'special'
}

async function typeOf(root: string, { name, type }: Entry) {
  return type === 'link' && !isSystem(name) ? followLink(root, name) : type
}
