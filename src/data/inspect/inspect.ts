/** `downpour data inspect`: reports what training would read from a data set. */
import { join, relative, resolve } from 'node:path'
import type { DataFormatName } from '../../contract/data-formats.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { decodeSquare } from '../codecs/image.ts'
import type { ClassLabels, Dataset, Encoded } from '../dataset.ts'
import { FORMATS, openClassDataset } from '../formats.ts'
import type { LabelMap } from '../labels.ts'
import { type PassedOver, Tally } from '../scan/kinds.ts'
import { ContactSheet } from './contact-sheet.ts'
import { type FoundSet, findSets } from './find-sets.ts'
import { LabelCount } from './label-count.ts'

export interface InspectOptions {
  folder: string
  /** Absent: detected, in the folder or in those inside. */
  format?: DataFormatName
  /** labels.json, relative to the folder. */
  labels?: string
  /** Pattern of shard names, for tfrecord. */
  files?: string
  /** Folder for contact sheets; absent: none are drawn. */
  samples?: string
  /** Records to read; absent: all. */
  limit?: number
}

/** whole: everything is read. incomplete: something that may be data is not read. damaged: records cannot be read. */
export type Verdict = 'whole' | 'incomplete' | 'damaged' | 'refused'

export interface DataReport {
  verdict: Exclude<Verdict, 'refused'>
  folder: string
  format: DataFormatName
  files: number
  records: number
  /** Damage with file and offset, and labels that are not in the labels file. */
  problems: string[]
  passedOver: readonly PassedOver[]
  labels: LabelMap
  counts: LabelCount
  /** Path of the contact sheet; undefined if none was asked for or no picture could be read. */
  samples: string | undefined
}

/** A data set that training would refuse, with the error. */
export interface Refusal {
  verdict: 'refused'
  folder: string
  error: DownpourError
}

/** Small, because damage is found at any size. */
const DECODE_PIXELS = 96

/**
 * One report for each data set: the folder itself, or those inside.
 * @throws DownpourError DATA_FORMAT_UNKNOWN, DATA_MISSING, DATA_UNREADABLE where no set is found; SAMPLES_UNUSABLE
 */
export async function inspectData(options: InspectOptions): Promise<(DataReport | Refusal)[]> {
  const { folder, format } = options
  const sets = format ? [{ folder, format }] : await findSets(folder)
  const samplesOf = samplesFolders(options, sets)
  const reports: (DataReport | Refusal)[] = []
  for (const set of sets) reports.push(await inspectOrRefuse(set, options, samplesOf(set)))
  return reports
}

/** The worst verdict. */
export function verdictOf(reports: readonly { verdict: Verdict }[], differences: readonly string[]): Verdict {
  const order: readonly Verdict[] = ['refused', 'damaged', 'incomplete']
  const worst = order.find((one) => reports.some(({ verdict }) => verdict === one))
  return worst ?? (differences.length > 0 ? 'incomplete' : 'whole')
}

/** Refuses a folder among the class folders, because the next inspection would take its pictures for a class. */
function samplesFolders({ folder, samples }: InspectOptions, sets: readonly FoundSet[]) {
  if (samples === undefined) return () => undefined
  const inside = relative(resolve(folder), resolve(samples))
  const isShardFolder = sets.length === 1 && sets[0] && FORMATS[sets[0].format].examplesAre === 'records'
  if (!isShardFolder && inside !== '..' && !inside.startsWith('../')) {
    const message = `--samples ${samples}: is inside ${folder}, where pictures are data; choose a folder elsewhere`
    throw new DownpourError('SAMPLES_UNUSABLE', message, { samples })
  }
  return (set: FoundSet) => join(samples, relative(folder, set.folder))
}

async function inspectOrRefuse(set: FoundSet, options: InspectOptions, samples: string | undefined) {
  try {
    return await inspectSet(set, options, samples)
  } catch (error) {
    if (!(error instanceof DownpourError) || !/^(DATA|LABELS?)_/.test(error.code)) throw error
    return { verdict: 'refused', folder: set.folder, error } as const
  }
}

async function inspectSet(set: FoundSet, options: InspectOptions, samples: string | undefined): Promise<DataReport> {
  const { folder, format } = set
  const { labels, files, limit = Number.POSITIVE_INFINITY } = options
  const given = { ...(labels === undefined ? {} : { labels }), ...(files === undefined ? {} : { files }) }
  const dataset = await openClassDataset(folder, { path: '.', format, maxCorruptRecords: 0, ...given })
  const counts = new LabelCount(dataset.labels)
  const sheet = samples === undefined ? undefined : ContactSheet.in(samples, dataset.labels)
  const tally = new Tally(dataset.passedOver)
  const problems: string[] = []
  let records = 0
  for await (const item of allItems(dataset, tally)) {
    if (records === limit) break
    records++
    const problem =
      item.type === 'corrupt' ? `${item.where}: ${item.reason}` : await inspectExample(item, counts, sheet)
    if (problem) problems.push(problem)
  }
  const passedOver = tally.list()
  const matters = passedOver.some(({ matters }) => matters)
  return {
    verdict: problems.length > 0 ? 'damaged' : matters ? 'incomplete' : 'whole',
    folder,
    format,
    files: FORMATS[format].examplesAre === 'files' ? records : dataset.units.length,
    records,
    problems,
    passedOver,
    labels: dataset.labels,
    counts,
    samples: await sheet?.write(),
  }
}

async function* allItems(dataset: Dataset<ClassLabels>, tally: Tally) {
  for (const [unit, name] of dataset.units.entries()) {
    let records = 0
    for await (const item of dataset.read(unit)) {
      records++
      yield item
    }
    if (records === 0) tally.add('emptyShard', name)
  }
}

/** @returns the problem of a damaged example */
async function inspectExample(
  example: Encoded<ClassLabels>,
  counts: LabelCount,
  sheet: ContactSheet | undefined,
): Promise<string | undefined> {
  const unknown = counts.add(example.annotation)
  if (unknown !== undefined) return `${example.where}, image ${example.id}: label ${unknown} is not in the labels file`
  try {
    const pixels = await decodeSquare(example.bytes, DECODE_PIXELS)
    sheet?.add(example, pixels, DECODE_PIXELS)
  } catch (error) {
    return `${example.where}, image ${example.id}: ${errorMessage(error)}`
  }
}
