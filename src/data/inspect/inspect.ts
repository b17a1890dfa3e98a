/** `downpour data inspect`: reports what training would read from a data set. */
import { join, relative, resolve } from 'node:path'
import type { DataFormatName } from '../../contract/data-formats.ts'
import { DownpourError } from '../../support/errors.ts'
import type { AnyDataset, Dataset } from '../dataset.ts'
import { FORMATS, openDataset } from '../formats.ts'
import type { LabelMap } from '../labels.ts'
import { type PassedOver, Tally } from '../scan/kinds.ts'
import { type FoundSet, findSets } from './find-sets.ts'
import { type Contents, createInspector, type Inspector } from './inspectors.ts'

export interface InspectOptions {
  folder: string
  /** Absent: detected, in the folder or in those inside. */
  format?: DataFormatName
  /** labels.json, relative to the folder. */
  labels?: string
  /** Pattern of the names of shards. */
  files?: string
  /** Annotations file and folder of the pictures of coco, relative to the folder. */
  annotations?: string
  images?: string
  /** Image set of voc: Main/SET or Segmentation/SET. */
  imageSet?: string
  /** Folder for contact sheets; absent: none are drawn. */
  samples?: string
  /** Records to read; absent: all. */
  limit?: number
  onProgress?: ((done: number, total: number) => void) | undefined
}

/** whole: everything is read. incomplete: something that may be data is not read. damaged: records cannot be read. */
export type Verdict = 'whole' | 'incomplete' | 'damaged' | 'refused'

export interface DataReport {
  verdict: Exclude<Verdict, 'refused'>
  folder: string
  /** Annotations file or image set, where the folder has several. */
  part: string | undefined
  format: DataFormatName
  files: number
  records: number
  /** Damage with file and offset, and labels that are not in the labels file. */
  problems: string[]
  passedOver: readonly PassedOver[]
  labels: LabelMap
  contents: Contents
  /** Path of the contact sheet; undefined if none was asked for or no picture could be read. */
  samples: string | undefined
}

/** A data set that training would refuse, with the error. */
export interface Refusal {
  verdict: 'refused'
  folder: string
  part: string | undefined
  error: DownpourError
}

/**
 * One report for each data set: the folder itself, or those inside.
 * @throws DownpourError DATA_FORMAT_UNKNOWN, DATA_MISSING, DATA_UNREADABLE where no set is found; SAMPLES_UNUSABLE
 */
export async function inspectData(options: InspectOptions): Promise<(DataReport | Refusal)[]> {
  const sets = await chosenSets(options)
  const samplesOf = samplesFolders(options, sets)
  const reports: (DataReport | Refusal)[] = []
  for (const set of sets) reports.push(await inspectOrRefuse(set, options, samplesOf(set)))
  return reports
}

/** Where a folder has several annotations files or image sets and none is named, each is a set. */
async function chosenSets(options: InspectOptions): Promise<FoundSet[]> {
  const { folder, format, annotations, imageSet } = options
  const found = format ? [{ folder, format }] : await findSets(folder)
  if (annotations !== undefined || imageSet !== undefined) return found
  return (await Promise.all(found.map(partsOf))).flat()
}

async function partsOf(set: FoundSet): Promise<FoundSet[]> {
  const parts = (await FORMATS[set.format].parts?.(set.folder)) ?? []
  return parts.length > 1 ? parts.map((part) => ({ ...set, part })) : [set]
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
  return (set: FoundSet) => join(samples, relative(folder, set.folder), nameOf(set)?.replace(/\.json$/, '') ?? '')
}

async function inspectOrRefuse(set: FoundSet, options: InspectOptions, samples: string | undefined) {
  try {
    return await inspectSet(set, options, samples)
  } catch (error) {
    if (!(error instanceof DownpourError) || !/^(DATA|LABELS?|COCO|VOC|JSON)_/.test(error.code)) throw error
    return { verdict: 'refused', folder: set.folder, part: nameOf(set), error } as const
  }
}

async function inspectSet(set: FoundSet, options: InspectOptions, samples: string | undefined): Promise<DataReport> {
  const { folder, format } = set
  const dataset = await openDataset(folder, {
    path: '.',
    format,
    maxCorruptRecords: 0,
    ...formatOptions(options),
    ...set.part,
  })
  const inspector = createInspector(dataset, samples)
  const tally = new Tally(dataset.passedOver)
  const { records, problems } = await inspectAll(dataset, inspector, tally, options)
  const passedOver = tally.list()
  const matters = passedOver.some(({ matters }) => matters)
  return {
    verdict: problems.length > 0 ? 'damaged' : matters ? 'incomplete' : 'whole',
    folder,
    part: nameOf(set),
    format,
    files: FORMATS[format].examplesAre === 'files' ? records : dataset.units.length,
    records,
    problems,
    passedOver,
    labels: dataset.labels,
    contents: inspector.contents,
    samples: await inspector.writeSamples(),
  }
}

function formatOptions(options: InspectOptions) {
  const names = ['labels', 'files', 'annotations', 'images', 'imageSet'] as const
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])))
}

function nameOf({ part }: FoundSet): string | undefined {
  return part?.annotations ?? part?.imageSet
}

async function inspectAll(
  dataset: AnyDataset,
  inspector: Inspector<never>,
  tally: Tally,
  { limit = Number.POSITIVE_INFINITY, onProgress }: InspectOptions,
): Promise<{ records: number; problems: string[] }> {
  const problems: string[] = []
  let records = 0
  for await (const item of allItems(dataset, tally, onProgress)) {
    if (records === limit) break
    records++
    const problem = item.type === 'corrupt' ? `${item.where}: ${item.reason}` : await inspector.add(item as never)
    if (problem) problems.push(problem)
  }
  return { records, problems }
}

async function* allItems({ units, read }: Dataset<unknown>, tally: Tally, onProgress: InspectOptions['onProgress']) {
  for (const [unit, name] of units.entries()) {
    let records = 0
    for await (const item of read(unit)) {
      records++
      yield item
    }
    if (records === 0) tally.add('emptyShard', name)
    onProgress?.(unit + 1, units.length)
  }
}
