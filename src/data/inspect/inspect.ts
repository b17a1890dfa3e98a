/** `downpour data inspect`: what is in a data set, as training would read it. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataConfig } from '../../contract/runtime.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { decodeSquare } from '../image.ts'
import type { LabelMap } from '../labels.ts'
import { RECORD_FILE } from '../record-source.ts'
import { type DataSource, type EncodedExample, openSource } from '../source.ts'
import { ContactSheet } from './contact-sheet.ts'
import { LabelCount } from './label-count.ts'

export interface InspectOptions {
  folder: string
  /** Absent: what the folder looks like. */
  format?: DataConfig['format']
  /** labels.json, relative to the folder. */
  labels?: string
  /** Where pictures go; absent: none are drawn. */
  samples?: string
  /** Records looked at; absent: all. */
  limit?: number
}

export interface DataReport {
  folder: string
  format: DataConfig['format']
  files: number
  records: number
  /** Damage, with file and offset, and labels outside the map. */
  problems: string[]
  labels: LabelMap
  counts: LabelCount
  /** Where the contact sheet went. */
  samples: string | null
}

/** Decoding at a small size finds damage as well as at a large one. */
const DECODE_PIXELS = 96

/** @throws DownpourError DATA_MISSING, DATA_EMPTY, DATA_FORMAT_UNKNOWN, DATA_UNREADABLE, LABELS_INVALID, LABEL_UNKNOWN */
export async function inspectData(options: InspectOptions): Promise<DataReport> {
  const { folder, samples, limit = Number.POSITIVE_INFINITY } = options
  const format = options.format ?? (await detectFormat(folder))
  const labelsFile = options.labels === undefined ? {} : { labels: options.labels }
  const source = await openSource(folder, { path: '.', format, maxCorruptRecords: 0, ...labelsFile })
  const counts = new LabelCount(source.labels)
  const sheet = samples === undefined ? undefined : new ContactSheet(samples, source.labels)
  const report = { folder, format, files: source.units.length, records: 0, problems: [] as string[] }
  for await (const item of everything(source)) {
    if (report.records++ >= limit) break
    const problem = item.type === 'corrupt' ? `${item.where}: ${item.reason}` : await look(item.example, counts, sheet)
    if (problem) report.problems.push(problem)
  }
  report.records = Math.min(report.records, limit)
  if (format === 'imagenet-folder') report.files = report.records
  return { ...report, labels: source.labels, counts, samples: (await sheet?.write()) ?? null }
}

async function* everything(source: DataSource) {
  for (const unit of source.units.keys()) yield* source.read(unit)
}

/** @returns what is wrong with it */
async function look(
  example: EncodedExample,
  counts: LabelCount,
  sheet: ContactSheet | undefined,
): Promise<string | undefined> {
  const strange = counts.add(example)
  if (strange !== undefined) return `${example.where}, image ${example.id}: label ${strange} is not in the labels file`
  try {
    const pixels = await decodeSquare(example.encoded, DECODE_PIXELS)
    sheet?.add(example, pixels, DECODE_PIXELS)
  } catch (error) {
    return `${example.where}, image ${example.id}: ${errorMessage(error)}`
  }
}

/** @throws DownpourError DATA_FORMAT_UNKNOWN, DATA_MISSING */
export async function detectFormat(folder: string): Promise<DataConfig['format']> {
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new DownpourError('DATA_MISSING', `${folder}: no such folder`, { folder })
  const entries = await readdir(folder, { withFileTypes: true })
  if (entries.some((entry) => entry.isFile() && RECORD_FILE.test(entry.name))) return 'tfrecord'
  const folders = entries.filter((entry) => entry.isDirectory())
  for (const { name } of folders) if (await holdsImages(join(folder, name))) return 'imagenet-folder'
  const inside = folders.length > 0 ? `; inside are ${folders.map(({ name }) => name).join(', ')}` : ''
  const message = `${folder}: neither TFRecord files nor folders of images${inside}; name the folder that holds them, or say --format`
  throw new DownpourError('DATA_FORMAT_UNKNOWN', message, { folder })
}

async function holdsImages(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => /\.(jpe?g|png)$/i.test(name))
}
