/** Divides the images of a data set over shards. */
import { basename, resolve } from 'node:path'
import { DownpourError } from '../../support/errors.ts'
import { isSystem, isUnfinishedShard } from '../scan/names.ts'
import { isRecordName } from '../scan/shards.ts'

const DIGITS = 5
const MAX_SHARDS = 10 ** DIGITS - 1
const DEFAULT_IMAGES = 1000
const FALLBACK_NAME = 'data'

export interface ShardPlan {
  /** NAME-00000-of-00010, … */
  readonly shards: readonly string[]
  readonly images: number
}

export type ShardSize = { readonly imagesPerShard?: number } | { readonly shards: number }

/** @throws DownpourError CONVERT_SHARDS: more shards than images, or than the names have room for */
export function planShards(name: string, images: number, size: ShardSize): ShardPlan {
  const imagesPerShard = 'shards' in size ? undefined : (size.imagesPerShard ?? DEFAULT_IMAGES)
  const count = 'shards' in size ? size.shards : Math.ceil(images / (imagesPerShard as number))
  const most = Math.min(MAX_SHARDS, images)
  if (count > most) {
    const given = imagesPerShard === undefined ? `--shards ${count}` : `--images-per-shard ${imagesPerShard}`
    throw new DownpourError('CONVERT_SHARDS', `${given}: gives ${count} shards of ${images} images; at most ${most}`)
  }
  return { images, shards: Array.from({ length: count }, (_, i) => `${name}-${digits(i)}-of-${digits(count)}`) }
}

/** Shards differ by one image at most. @returns the first image of the shard, and the first of the next one */
export function rangeOf({ shards, images }: ShardPlan, shard: number): readonly [start: number, end: number] {
  const first = (i: number) => Math.floor((i * images) / shards.length)
  return [first(shard), first(shard + 1)]
}

/** @throws DownpourError CONVERT_NAME: the shards would not be read as shards */
export function checkName(name: string): void {
  if (isUsable(name)) return
  const message = `--name ${JSON.stringify(name)}: expected letters, digits, ".", "_", "-", "+", "=", "@", beginning with a letter or a digit, and not the name of another format or of an unfinished file`
  throw new DownpourError('CONVERT_NAME', message, { name })
}

/** A name for the shards of a folder. */
export function nameOf(folder: string): string {
  const name = basename(resolve(folder))
    .replace(/[^A-Za-z0-9._=@+-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
  return isUsable(name) ? name : FALLBACK_NAME
}

function isUsable(name: string): boolean {
  const shard = `${name}-${digits(0)}-of-${digits(1)}`
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9._=@+-]{0,99}$/.test(name)
  return isPlain && isRecordName(shard) && !isSystem(shard) && !isUnfinishedShard(shard)
}

function digits(value: number): string {
  return String(value).padStart(DIGITS, '0')
}
