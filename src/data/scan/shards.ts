/** Decides by name which files of a folder are the shards of one data set. Pure. */
import { DownpourError } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import type { Kind } from './kinds.ts'
import { isArchiveName, isBadName, isCompressedName, isSplit, isSystem, isUnfinishedShard } from './names.ts'
import { matchesPattern } from './pattern.ts'

export interface ShardChoice {
  /** Sorted by name. */
  shards: string[]
  passedOver: { name: string; kind: Kind }[]
}

/** Whether the name, without an ending of compression, is that of a shard. */
export type IsShardName = (name: string) => boolean

interface Numbered {
  name: string
  /** The name with `*` for the number, the same for all shards of a series: `train-*-of-00010.tfrecord`. */
  series: string
  stem: string
  index: number
  count: number
}

const NUMBERED = /^(?<start>.*?[-_.]?)(?<index>\d{1,9})(?<of>[-_]of[-_])(?<count>\d{1,9})(?<ending>(\.[a-z]\w*)*)$/i
const RECORD_ENDING = /\.(tfrecords?|tfrec|record)$/i
/** Files beside shards: indexes, checksums, metadata. */
const COMPANION =
  /\.(index|idx|tfindex|json|jsonl|txt|pbtxt|crc|md5|sha1|sha256|csv|tsv|yaml|yml|md|html|xml|log|lock|png|jpg|pdf|py)$/i
/** Other formats whose files are numbered in the same way. */
const FOREIGN =
  /\.(array_?record|parquet|arrow|feather|riegeli|recordio|bagz|tar|npz|npy|h5|hdf5|bin|pt|safetensors)\b/i
const SHOWN = 3

/**
 * Without a pattern all shards must be of one series. A pattern may choose several series, or a part of one; each
 * series that it chooses from must still be complete.
 * @param root for messages
 * @throws DownpourError DATA_SHARDS_MIXED, DATA_SHARDS_INCOMPLETE, DATA_COMPRESSED
 */
export function chooseShards(
  root: string,
  names: readonly string[],
  pattern?: string,
  isShardName: IsShardName = isRecordName,
): ShardChoice {
  const sorted = [...names].sort()
  const present = new Set(sorted)
  const kinds = sorted.map((name) => kindOfName(name, present, pattern, isShardName))
  const shards = sorted.filter((_, i) => kinds[i] === 'shard')
  const passedOver = sorted.flatMap((name, i) => (kinds[i] === 'shard' ? [] : [{ name, kind: kinds[i] as Kind }]))
  if (pattern === undefined) mustBeOneSeries(root, shards)
  const candidates = sorted.filter((_, i) => kinds[i] === 'shard' || kinds[i] === 'notChosen')
  mustAddUp(root, numberedOf(candidates), new Set(numberedOf(shards).map(({ series }) => series)))
  mustBeUnlike(root, numberedOf(shards))
  const compressed = shards.find(isCompressedName)
  if (compressed !== undefined) throw compressedShard(root, compressed)
  return { shards, passedOver }
}

function kindOfName(
  name: string,
  present: ReadonlySet<string>,
  pattern: string | undefined,
  isShardName: IsShardName,
): Kind | 'shard' {
  if (isSystem(name)) return 'system'
  if (isUnfinishedShard(name)) return 'unfinished'
  if (isBadName(name)) return 'badName'
  if (COMPANION.test(name)) return 'other'
  // The unpacked file beside it is read instead.
  if (isArchiveName(name) && present.has(withoutLastEnding(name))) return 'archive'
  if (pattern !== undefined && matchesPattern(name, pattern)) return 'shard'
  if (isShardName(isCompressedName(name) ? withoutLastEnding(name) : name))
    return pattern === undefined ? 'shard' : 'notChosen'
  if (isArchiveName(name)) return 'archive'
  return NUMBERED.test(name) ? 'unreadShard' : 'other'
}

export function isRecordName(name: string): boolean {
  const match = NUMBERED.exec(name)
  if (!match) return RECORD_ENDING.test(name)
  const { start = '', ending = '' } = match.groups ?? {}
  return ending === '' ? !FOREIGN.test(start) : RECORD_ENDING.test(ending)
}

/** Numbered shards are grouped by series. Other names are one series if they differ only in digits. */
function mustBeOneSeries(root: string, shards: readonly string[]): void {
  const series = Map.groupBy(shards, seriesOf)
  const singles = [...series.values()].every((members) => members.length === 1)
  const alike = new Set(shards.map(splitOf)).size <= 1
  const numbered = shards.some((name) => NUMBERED.test(name))
  if (series.size <= 1 || (singles && alike && !numbered)) return
  const counted = [...series].map(([name, members]) => `${printable(name)} (${files(members.length)})`)
  const pattern = printable([...series.keys()][0] as string)
  const message = `${root}: the folder has shards of ${series.size} series: ${some(counted)}; choose with a pattern (spec.data.files: "${pattern}", or the option --files)`
  throw new DownpourError('DATA_SHARDS_MIXED', message, { series: [...series.keys()] })
}

function seriesOf(name: string): string {
  return parse(name)?.series ?? name.replace(/\d+/g, '*')
}

/** The part of a data set that a name contains, such as `validation` in `validation_3.tfrecord`. */
function splitOf(name: string): string {
  const parts = name.toLowerCase().split(/[^a-z]+/)
  return parts.find(isSplit) ?? ''
}

/** @param chosen series that the job reads from; others are not checked */
function mustAddUp(root: string, numbered: readonly Numbered[], chosen: ReadonlySet<string>): void {
  for (const [series, members] of Map.groupBy(numbered, ({ series }) => series)) {
    if (!chosen.has(series)) continue
    const [first] = members as [Numbered, ...Numbered[]]
    const fail = (what: string) => incomplete(root, `${printable(series)}: ${what}`)
    const { from, indexes, outside } = numbersOf(members, first.count)
    if (outside.length > 0) throw fail(`${some(outside)}: no such number among ${first.count} shards`)
    const missing = first.count - indexes.size
    if (missing > 0)
      throw fail(`${missing} of ${first.count} shards are missing: number ${firstGaps(from, indexes, missing)}`)
  }
}

/** Shards count from 0; some tools count from 1. */
function numbersOf(members: readonly Numbered[], count: number) {
  const indexes = new Set(members.map(({ index }) => index))
  const from = indexes.has(count) && !indexes.has(0) ? 1 : 0
  const outside = members.filter(({ index }) => index < from || index >= from + count).map(({ name }) => name)
  return { from, indexes, outside }
}

/** Stops after a few: a file name can declare a thousand million shards. */
function firstGaps(from: number, indexes: ReadonlySet<number>, missing: number): string {
  const gaps: string[] = []
  for (let index = from; gaps.length < Math.min(SHOWN, missing); index++) {
    if (!indexes.has(index)) gaps.push(String(index))
  }
  return `${gaps.join(', ')}${missing > SHOWN ? ', …' : ''}`
}

/** Refuses two files with the same number that differ in ending, count or zeros: the data was exported twice. */
function mustBeUnlike(root: string, shards: readonly Numbered[]): void {
  const seen = new Map<string, string>()
  for (const { stem, index, name } of shards) {
    const key = `${index} ${stem}`
    const before = seen.get(key)
    if (before !== undefined) throw incomplete(root, `${before} and ${name} are the same shard of two exports`)
    seen.set(key, name)
  }
}

function numberedOf(names: readonly string[]): Numbered[] {
  return names.flatMap((name) => parse(name) ?? [])
}

function parse(name: string): Numbered | undefined {
  const groups = NUMBERED.exec(name)?.groups
  if (!groups) return undefined
  const { start = '', index = '', of = '', count = '', ending = '' } = groups
  const stem = start.replace(/[-_.]$/, '')
  return { name, series: `${start}*${of}${count}${ending}`, stem, index: Number(index), count: Number(count) }
}

function withoutLastEnding(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

function incomplete(root: string, what: string): DownpourError {
  const message = `${root}: ${what}; copy the missing shards there, or move away those that do not belong here`
  return new DownpourError('DATA_SHARDS_INCOMPLETE', message, { root })
}

function compressedShard(root: string, name: string): DownpourError {
  const message = `${root}: ${printable(name)} is compressed, and compressed shards are not read; unpack them (gunzip)`
  return new DownpourError('DATA_COMPRESSED', message, { root, name })
}

function some(items: readonly string[]): string {
  const rest = items.length - SHOWN
  return `${items.slice(0, SHOWN).map(printable).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}
