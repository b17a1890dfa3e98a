/** The files of a data set of tf.train.Examples: TFRecord shards beside a labels.json. A unit is a file. */
import { join } from 'node:path'
import { DownpourError, errorCode, errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { decodeExample, type Features } from '../codecs/example.ts'
import { bytesOf, textOf } from '../codecs/features.ts'
import { readTfRecords } from '../codecs/tfrecord.ts'
import type { Item } from '../dataset.ts'
import type { FormatOptions } from '../format.ts'
import type { Files } from '../labelled-dataset.ts'
import { type LabelMap, readLabels } from '../labels.ts'
import { Tally } from '../scan/kinds.ts'
import { listFolder } from '../scan/listing.ts'
import { isSystem } from '../scan/names.ts'
import { findShards } from '../scan/shard-files.ts'
import { isRecordName } from '../scan/shards.ts'
import { inSubset } from '../subset.ts'

const DEFAULT_LABELS = 'labels.json'
/** Shards that are opened to find a first record: the first ones may be empty. */
const SHARDS_TO_PEEK = 8

export interface RecordReader<A> {
  /** Keys whose text is the id of an example; the first one that a record has counts. */
  readonly idKeys: readonly string[]
  /**
   * @throws Error whose message says what is wrong with a record, which then counts as damage
   * @throws DownpourError LABEL_UNKNOWN, which ends the reading: records and labels file do not belong together
   */
  annotationOf(features: Features, encoded: Uint8Array): A | Promise<A>
}

interface RecordFiles<A> {
  readonly files: Files<A>
  readonly labels: LabelMap
}

/**
 * @param readerOf makes the reader of records, when the labels are known
 * @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID
 */
export async function openRecords<A>(
  root: string,
  { labels: labelsFile = DEFAULT_LABELS, files: pattern, subset }: FormatOptions,
  readerOf: (labels: LabelMap, labelsFile: string) => RecordReader<A>,
): Promise<RecordFiles<A>> {
  const tally = new Tally()
  const shards = await findShards(root, { isShardName: isRecordName, pattern, used: [labelsFile] }, tally)
  const labels = await readLabels(join(root, labelsFile))
  const reader = readerOf(labels, join(root, labelsFile))
  const files = {
    units: shards,
    passedOver: tally.list(),
    paths: shards,
    async *read(unit: number) {
      const file = join(root, shards[unit] as string)
      for await (const item of readTfRecords(file)) {
        const where = `${printable(file)} at byte ${item.offset}`
        const found: Item<A> = item.type === 'corrupt' ? { ...item, where } : await itemOf(item.data, where, reader)
        if (found.type === 'corrupt' || inSubset(found.id, subset)) yield found
      }
    },
  }
  return { files, labels }
}

async function itemOf<A>(data: Uint8Array, where: string, { idKeys, annotationOf }: RecordReader<A>): Promise<Item<A>> {
  const corrupt = (reason: string) => ({ type: 'corrupt', where, reason }) as const
  const features = decodedOrReason(data)
  if (typeof features === 'string') return corrupt(features)
  const encoded = bytesOf(features['image/encoded'])
  if (!encoded) return corrupt('no image/encoded')
  const id = idKeys.map((key) => textOf(features[key])).find((text) => text !== undefined) ?? where
  try {
    return { type: 'example', id, bytes: encoded, annotation: await annotationOf(features, encoded), where }
  } catch (error) {
    if (errorCode(error) !== 'LABEL_UNKNOWN') return corrupt(errorMessage(error))
    throw new DownpourError('LABEL_UNKNOWN', `${where}: ${errorMessage(error)}`, { where }, { cause: error })
  }
}

function decodedOrReason(data: Uint8Array): Features | string {
  try {
    return decodeExample(data)
  } catch (error) {
    return `not a tf.train.Example: ${errorMessage(error)}`
  }
}

/**
 * Keys of the first record in the folder, by which the formats of records are told apart. Empty if it has no shard, or
 * none of them can be read: the format that opens the folder then says why.
 */
export async function firstKeys(folder: string): Promise<ReadonlySet<string>> {
  const names = (await listFolder(folder)).filter(({ name, type }) => type !== 'folder' && isShard(name))
  for (const { name } of names.slice(0, SHARDS_TO_PEEK)) {
    const features = await firstFeatures(join(folder, name))
    if (features) return new Set(Object.keys(features))
  }
  return new Set()
}

function isShard(name: string): boolean {
  return isRecordName(name) && !isSystem(name)
}

async function firstFeatures(file: string): Promise<Features | undefined> {
  try {
    for await (const item of readTfRecords(file)) {
      const features = item.type === 'record' ? decodedOrReason(item.data) : undefined
      return typeof features === 'object' ? features : undefined
    }
  } catch (error) {
    if (errorCode(error) !== 'DATA_UNREADABLE') throw error
  }
  return undefined
}
