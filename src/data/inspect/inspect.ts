/** `downpour data inspect`: what is in a data set, as training would read it. */
import { join, relative, resolve } from 'node:path'
import type { DataFormatName } from '../../contract/data-formats.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { decodeSquare } from '../codecs/image.ts'
import type { ClassLabels, Dataset, Encoded } from '../dataset.ts'
import { FORMATS, openDataset } from '../formats.ts'
import type { LabelMap } from '../labels.ts'
import { type PassedOver, Tally } from '../scan/kinds.ts'
import { ContactSheet } from './contact-sheet.ts'
import { type FoundSet, findSets } from './find-sets.ts'
import { LabelCount } from './label-count.ts'

export interface InspectOptions {
  folder: string
  /** Absent: what the folder looks like, or those inside. */
  format?: DataFormatName
  /** labels.json, relative to the folder. */
  labels?: string
  /** Pattern of the names of TFRecord shards. */
  files?: string
  /** Where pictures go; absent: none are drawn. */
  samples?: string
  /** Records looked at; absent: all. */
  limit?: number
}

/** whole: all is read. incomplete: something that matters is passed over. damaged: records cannot be read. */
export type Verdict = 'whole' | 'incomplete' | 'damaged' | 'refused'

export interface DataReport {
  verdict: Exclude<Verdict, 'refused'>
  folder: string
  format: DataFormatName
  files: number
  records: number
  /** Damage, with file and offset, and labels outside the map. */
  problems: string[]
  passedOver: readonly PassedOver[]
  labels: LabelMap
  counts: LabelCount
  /** Where the contact sheet went. */
  samples: string | null
}

/** A set that training would refuse, and why. */
export interface Refusal {
  verdict: 'refused'
  folder: string
  error: DownpourError
}

/** Decoding at a small size finds damage as well as at a large one. */
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

/** The worst of them. */
export function verdictOf(reports: readonly { verdict: Verdict }[], differences: readonly string[]): Verdict {
  const order: readonly Verdict[] = ['refused', 'damaged', 'incomplete']
  const worst = order.find((one) => reports.some(({ verdict }) => verdict === one))
  return worst ?? (differences.length > 0 ? 'incomplete' : 'whole')
}

/** Pictures drawn inside class folders would be a class of the next look. */
function samplesFolders({ folder, samples }: InspectOptions, sets: readonly FoundSet[]) {
  if (samples === undefined) return () => undefined
  const inside = relative(resolve(folder), resolve(samples))
  const isShardFolder = sets.length === 1 && sets[0] && FORMATS[sets[0].format].examplesAre === 'records'
  if (!isShardFolder && inside !== '..' && !inside.startsWith('../')) {
    const message = `--samples ${samples}: lies inside ${folder}, where pictures are data; name a folder elsewhere`
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
  const dataset = await openDataset(folder, { path: '.', format, maxCorruptRecords: 0, ...given })
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
    samples: (await sheet?.write()) ?? null,
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

/** @returns what is wrong with it */
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
