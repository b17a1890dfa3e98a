/** Encoded examples from either format, behind one face: units to lease, examples of a unit, the label map. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DataConfig } from '../contract/runtime.ts'
import { DownpourError, errorMessage } from '../support/errors.ts'
import { seedOf } from '../support/random.ts'
import { decodeExample } from './formats/example.ts'
import { parseTfRecords, readTfRecordFile } from './formats/tfrecord.ts'
import { flatLabels, type LabelMap, readLabels } from './labels.ts'

export interface EncodedExample {
  id: string
  encoded: Uint8Array
  /** As stored; not closed yet. */
  labels: number[]
  /** For messages: file, and byte offset in a record file. */
  where: string
}

export type SourceItem =
  | { type: 'example'; example: EncodedExample }
  | { type: 'corrupt'; where: string; reason: string }

export interface DataSource {
  readonly labels: LabelMap
  /** Names of the units, sorted: the same on every worker. */
  readonly units: readonly string[]
  read(unit: number): AsyncGenerator<SourceItem>
}

const IMAGES_PER_UNIT = 256
const IMAGE = /\.(jpe?g|png)$/i
const RECORDS = /\.tfrecord(s)?$|-\d{5}-of-\d{5}$/
const HASH_RANGE = 2 ** 32

/** @param folder the mounted folder that `config.path` is relative to */
export async function openSource(folder: string, config: DataConfig): Promise<DataSource> {
  const root = join(folder, config.path)
  await mustExist(root)
  const source = config.format === 'tfrecord' ? await openRecords(root, config) : await openFolder(root, config)
  if (source.units.length > 0) return source
  throw new DownpourError('DATA_EMPTY', `${root}: no ${config.format} files here`, { root, format: config.format })
}

/** Nested subsets: an image kept at 10% is kept at 30% of the same seed (paper.md §2.7). */
export function inSubset(id: string, subset: DataConfig['subset']): boolean {
  return !subset || seedOf('subset', subset.seed, id) / HASH_RANGE < subset.fraction
}

async function mustExist(root: string): Promise<void> {
  const found = await stat(root).catch(() => undefined)
  if (found?.isDirectory()) return
  throw new DownpourError(
    'DATA_MISSING',
    `${root}: no such folder; put the data there, or make some: downpour data make jft-mini --out DIR`,
    { root },
  )
}

async function openRecords(root: string, config: DataConfig): Promise<DataSource> {
  const files = (await readdir(root)).filter((name) => RECORDS.test(name)).sort()
  const labels = await readLabels(join(root, config.labels ?? 'labels.json'))
  return {
    labels,
    units: files,
    async *read(unit) {
      const file = join(root, files[unit] as string)
      for (const item of parseTfRecords(await readTfRecordFile(file))) {
        const where = `${file} at byte ${item.offset}`
        if (item.type === 'corrupt') yield { type: 'corrupt', where, reason: item.reason }
        else yield* keep(exampleOf(item.data, where), config)
      }
    },
  }
}

function exampleOf(data: Uint8Array, where: string): SourceItem {
  try {
    const features = decodeExample(data)
    const encoded = features['image/encoded']
    const labels = features['image/class/label']
    const id = features['image/id'] ?? features['image/filename']
    if (!encoded || !('bytes' in encoded) || !encoded.bytes[0])
      return { type: 'corrupt', where, reason: 'no image/encoded' }
    if (!labels || !('ints' in labels)) return { type: 'corrupt', where, reason: 'no image/class/label' }
    const name = id && 'bytes' in id && id.bytes[0] ? Buffer.from(id.bytes[0]).toString('utf8') : where
    return { type: 'example', example: { id: name, encoded: encoded.bytes[0], labels: labels.ints, where } }
  } catch (error) {
    return { type: 'corrupt', where, reason: `not a tf.train.Example: ${errorMessage(error)}` }
  }
}

/** root/CLASS/IMAGE; the alphabetical order of the classes is their index. */
async function openFolder(root: string, config: DataConfig): Promise<DataSource> {
  const entries = await readdir(root, { withFileTypes: true })
  const classes = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  const images = (await Promise.all(classes.map((name, label) => imagesOf(join(root, name), label)))).flat()
  const chosen = images.filter(({ file }) => inSubset(basename(file), config.subset))
  const units = Array.from({ length: Math.ceil(chosen.length / IMAGES_PER_UNIT) }, (_, i) => `images-${i}`)
  const spread = spreadClasses(chosen)
  return {
    labels: config.labels ? await readLabels(join(root, config.labels)) : flatLabels(classes),
    units,
    async *read(unit) {
      for (const { file, label } of spread.slice(unit * IMAGES_PER_UNIT, (unit + 1) * IMAGES_PER_UNIT)) {
        const encoded = await readFile(file)
        yield { type: 'example', example: { id: basename(file), encoded, labels: [label], where: file } }
      }
    },
  }
}

async function imagesOf(folder: string, label: number): Promise<{ file: string; label: number }[]> {
  const names = (await readdir(folder)).filter((name) => IMAGE.test(name)).sort()
  return names.map((name) => ({ file: join(folder, name), label }))
}

/** A unit should hold all classes: images go by the hash of their name, the same on every worker. */
function spreadClasses(images: { file: string; label: number }[]): { file: string; label: number }[] {
  return images
    .map((image) => ({ image, rank: seedOf('spread', image.label, basename(image.file)) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ image }) => image)
}

function* keep(item: SourceItem, config: DataConfig): Generator<SourceItem> {
  if (item.type === 'corrupt' || inSubset(item.example.id, config.subset)) yield item
}
