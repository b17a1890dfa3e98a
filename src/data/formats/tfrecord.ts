/** TFRecord shards of tf.train.Examples beside a labels.json (paper.md §5, "JFT-like"). A unit is a file. */
import { join, normalize } from 'node:path'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { decodeExample } from '../codecs/example.ts'
import { readTfRecords } from '../codecs/tfrecord.ts'
import type { ClassLabels, DatasetOf, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { classDataset } from '../labelled-dataset.ts'
import { readLabels } from '../labels.ts'
import { inParallel } from '../scan/in-parallel.ts'
import { type Kind, Tally } from '../scan/kinds.ts'
import { type Entry, followLink, listFolder } from '../scan/listing.ts'
import { isCompressedName, isSystem } from '../scan/names.ts'
import { chooseShards, isRecordName } from '../scan/shards.ts'
import { inSubset } from '../subset.ts'

const DEFAULT_LABELS = 'labels.json'

export const tfrecord: DataFormat = {
  name: 'tfrecord',
  contents: 'tfrecord files',
  examplesAre: 'records',
  detect: hasShards,
  open: openShards,
}

async function hasShards(folder: string): Promise<boolean> {
  return (await listFolder(folder)).some(({ name, type }) => type !== 'folder' && isShard(name))
}

function isShard(name: string): boolean {
  return !isSystem(name) && (isRecordName(name) || (isCompressedName(name) && isRecordName(name.replace(/\.\w+$/, ''))))
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openShards(root: string, options: FormatOptions): Promise<DatasetOf<'classes'>> {
  const labelsFile = options.labels ?? DEFAULT_LABELS
  const tally = new Tally()
  const files = await chosenFiles(root, labelsFile, options.files, tally)
  const labels = await readLabels(join(root, labelsFile))
  const shards = {
    units: files,
    passedOver: tally.list(),
    async *read(unit: number) {
      const file = join(root, files[unit] as string)
      for await (const item of readTfRecords(file)) {
        const where = `${printable(file)} at byte ${item.offset}`
        const found: Item<ClassLabels> = item.type === 'corrupt' ? { ...item, where } : exampleOf(item.data, where)
        if (found.type === 'corrupt' || inSubset(found.id, options.subset)) yield found
      }
    },
  }
  return classDataset(shards, labels, root)
}

async function chosenFiles(root: string, labelsFile: string, pattern: string | undefined, tally: Tally) {
  const entries = (await listFolder(root)).filter(({ name }) => name !== normalize(labelsFile))
  const types = await inParallel(entries, (entry) => typeOf(root, entry))
  const typeByName = new Map(entries.map(({ name }, i) => [name, types[i]]))
  const folders = entries.filter(({ name }) => typeByName.get(name) === 'folder')
  for (const { name } of folders) tally.add(isSystem(name) ? 'system' : 'folder', name)
  const names = entries.map(({ name }) => name).filter((name) => typeByName.get(name) !== 'folder')
  const { shards, passedOver } = chooseShards(root, names, pattern)
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

function exampleOf(data: Uint8Array, where: string): Item<ClassLabels> {
  try {
    const features = decodeExample(data)
    const bytes = bytesOf(features['image/encoded'])
    const labels = intsOf(features['image/class/label'])
    const truth = intsOf(features['image/class/truth'])
    if (!bytes) return { type: 'corrupt', where, reason: 'no image/encoded' }
    if (!labels) return { type: 'corrupt', where, reason: 'no image/class/label' }
    const name = bytesOf(features['image/id']) ?? bytesOf(features['image/filename'])
    const id = name ? Buffer.from(name).toString('utf8') : where
    return { type: 'example', id, bytes, annotation: { labels, ...(truth ? { truth } : {}) }, where }
  } catch (error) {
    return { type: 'corrupt', where, reason: `not a tf.train.Example: ${errorMessage(error)}` }
  }
}

type Feature = ReturnType<typeof decodeExample>[string] | undefined

/** The first value; undefined if there is none or it is empty. */
function bytesOf(feature: Feature): Uint8Array | undefined {
  const first = feature && 'bytes' in feature ? feature.bytes[0] : undefined
  return first?.length ? first : undefined
}

/** A feature without values decodes to an empty list of ints, whatever its kind. */
function intsOf(feature: Feature): number[] | undefined {
  return feature && 'ints' in feature ? feature.ints : undefined
}
