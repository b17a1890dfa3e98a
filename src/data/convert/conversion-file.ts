/** `conversion.json` beside the shards: what is converted, and which shards are complete. A second run goes on from it. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { FORMAT_NAMES } from '../../contract/data-formats.ts'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { type FolderUse, folderError } from '../../support/folder.ts'
import { isSystem } from '../scan/names.ts'
import { Counts } from './counts.ts'
import { isTemporary, writeFileWhole } from './shard-file.ts'
import { changedFolders } from './source-state.ts'

export const CONVERSION_FILE = 'conversion.json'
export const OUT: FolderUse = { option: '--out', code: 'DATA_OUT_UNUSABLE' }

const Request = z.strictObject({
  format: z.enum(FORMAT_NAMES),
  /** The options that choose what is read and written. */
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  images: z.int().min(0),
  /** Digests of the folders that are read, and of the labels. */
  source: z.record(z.string(), z.string()),
  labels: z.string(),
})
export type Request = z.output<typeof Request>

const Shard = z.strictObject({ bytes: z.int().min(0), counts: Counts })
export type Shard = z.output<typeof Shard>

const Conversion = z.strictObject({
  formatVersion: z.literal(1),
  request: Request,
  /** Complete shards by their name. */
  shards: z.record(z.string(), Shard),
})
export type Conversion = z.output<typeof Conversion>

/**
 * The complete shards of the same conversion in the folder; none in an empty folder or one that does not exist.
 * @throws DownpourError DATA_OUT_NOT_EMPTY, CONVERT_DIFFERS, CONVERT_STATE_INVALID, DATA_OUT_UNUSABLE
 */
export async function resumed(out: string, request: Request): Promise<Record<string, Shard>> {
  const path = join(out, CONVERSION_FILE)
  const text = await ifThere(out, readFile(path, 'utf8'))
  if (text === undefined) {
    await mustBeEmpty(out)
    return {}
  }
  const before = parse(text, path)
  const difference = differenceOf(before.request, request)
  if (difference === undefined) return presentShards(out, before.shards)
  const complete = Object.keys(before.shards).length
  const message = `--out ${out}: has ${complete} shards of another conversion: ${difference}. Choose another folder, or delete this one to begin again`
  throw new DownpourError('CONVERT_DIFFERS', message, { out })
}

/** Replaces the file. */
export async function writeConversion(out: string, request: Request, shards: Record<string, Shard>): Promise<void> {
  const conversion: Conversion = { formatVersion: 1, request, shards }
  await writeText(out, CONVERSION_FILE, `${JSON.stringify(conversion, null, 1)}\n`)
}

export async function writeText(folder: string, name: string, text: string): Promise<void> {
  await writeFileWhole(folder, name, oneOf(Buffer.from(text)))
}

async function* oneOf<T>(value: T): AsyncGenerator<T> {
  yield value
}

function parse(text: string, path: string): Conversion {
  const invalid = (what: string) =>
    new DownpourError('CONVERT_STATE_INVALID', `${path}: ${what}; delete the folder to begin again`, { path })
  try {
    const parsed = Conversion.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw invalid(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  } catch (error) {
    throw error instanceof SyntaxError ? invalid(`not JSON: ${errorMessage(error)}`) : error
  }
}

function differenceOf(before: Request, now: Request): string | undefined {
  const shown = (value: unknown) => (value === undefined ? 'not given' : JSON.stringify(value))
  const names = [...new Set([...Object.keys(before.options), ...Object.keys(now.options)])]
  const option = names.find((name) => before.options[name] !== now.options[name])
  if (option === 'shards') {
    const [had, has] = [before.options[option], now.options[option]]
    return `the number of shards was ${had} and is ${has} (--shards, --images-per-shard)`
  }
  if (option !== undefined) {
    return `--${option} was ${shown(before.options[option])} and is ${shown(now.options[option])}`
  }
  if (before.format !== now.format) return `the format was ${before.format} and is ${now.format}`
  const [folder, ...others] = changedFolders(before.source, now.source)
  const more = others.length > 0 ? `, and in ${others.length} more folders` : ''
  if (folder !== undefined) return `files in ${folder} of the source have changed${more}`
  if (before.images !== now.images) return `the source had ${before.images} images and has ${now.images}`
  return before.labels === now.labels ? undefined : 'the labels of the source have changed'
}

/** A shard that was deleted or cut off since is written again. */
async function presentShards(out: string, shards: Record<string, Shard>): Promise<Record<string, Shard>> {
  const present: Record<string, Shard> = {}
  for (const [name, shard] of Object.entries(shards)) {
    const found = await ifThere(out, stat(join(out, name)))
    if (found?.size === shard.bytes) present[name] = shard
  }
  return present
}

async function mustBeEmpty(out: string): Promise<void> {
  const names = (await ifThere(out, readdir(out))) ?? []
  // What a run that was killed at its very beginning has left.
  const isLeftOver = (name: string) => isSystem(name) || isTemporary(name)
  if (names.every(isLeftOver)) return
  const message = `--out ${out}: is not empty, and has no ${CONVERSION_FILE} of a conversion to go on with; choose a new folder`
  throw new DownpourError('DATA_OUT_NOT_EMPTY', message, { out })
}

/** undefined where there is no such file. @throws DownpourError DATA_OUT_UNUSABLE */
function ifThere<T>(out: string, found: Promise<T>): Promise<T | undefined> {
  return found.catch((error) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw folderError(out, OUT, error)
  })
}
