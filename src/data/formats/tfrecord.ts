/** TFRecord shards of tf.train.Examples beside a labels.json (paper.md §5, "JFT-like"). A unit is a file. */
import { join } from 'node:path'
import { errorMessage } from '../../support/errors.ts'
import { printable } from '../../support/printable.ts'
import { decodeExample } from '../codecs/example.ts'
import { readTfRecords } from '../codecs/tfrecord.ts'
import type { ClassLabels, DatasetOf, Item } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { classDataset } from '../labelled-dataset.ts'
import { readLabels } from '../labels.ts'
import { Tally } from '../scan/kinds.ts'
import { findShards, hasShards } from '../scan/shard-files.ts'
import { isRecordName } from '../scan/shards.ts'
import { inSubset } from '../subset.ts'

const DEFAULT_LABELS = 'labels.json'

export const tfrecord: DataFormat = {
  name: 'tfrecord',
  contents: 'tfrecord files',
  examplesAre: 'records',
  detect: (folder) => hasShards(folder, isRecordName),
  open: openShards,
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openShards(root: string, options: FormatOptions): Promise<DatasetOf<'classes'>> {
  const labelsFile = options.labels ?? DEFAULT_LABELS
  const tally = new Tally()
  const search = { isShardName: isRecordName, pattern: options.files, used: [labelsFile] }
  const files = await findShards(root, search, tally)
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
