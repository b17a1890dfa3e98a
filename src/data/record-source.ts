/** TFRecord shards of tf.train.Examples beside a labels.json (paper.md §5, "JFT-like"). A unit is a file. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataConfig } from '../contract/runtime.ts'
import { errorMessage } from '../support/errors.ts'
import { decodeExample } from './formats/example.ts'
import { readTfRecords } from './formats/tfrecord.ts'
import { readLabels } from './labels.ts'
import type { DataSource, SourceItem } from './source.ts'
import { inSubset } from './subset.ts'

export const RECORD_FILE = /\.tfrecords?$|-\d{5}-of-\d{5}$/
const DEFAULT_LABELS = 'labels.json'

/** @throws DownpourError DATA_MISSING, LABELS_INVALID */
export async function openRecords(root: string, config: DataConfig): Promise<DataSource> {
  const files = (await readdir(root)).filter((name) => RECORD_FILE.test(name)).sort()
  const labels = await readLabels(join(root, config.labels ?? DEFAULT_LABELS))
  return {
    labels,
    units: files,
    async *read(unit) {
      const file = join(root, files[unit] as string)
      for await (const item of readTfRecords(file)) {
        const where = `${file} at byte ${item.offset}`
        const found: SourceItem = item.type === 'corrupt' ? { ...item, where } : exampleOf(item.data, where)
        if (found.type === 'corrupt' || inSubset(found.example.id, config.subset)) yield found
      }
    },
  }
}

function exampleOf(data: Uint8Array, where: string): SourceItem {
  try {
    const features = decodeExample(data)
    const text = (name: string) => bytesOf(features[name])
    const encoded = text('image/encoded')
    const labels = intsOf(features['image/class/label'])
    const truth = intsOf(features['image/class/truth'])
    if (!encoded) return { type: 'corrupt', where, reason: 'no image/encoded' }
    if (!labels) return { type: 'corrupt', where, reason: 'no image/class/label' }
    const id = text('image/id') ?? text('image/filename')
    const name = id ? Buffer.from(id).toString('utf8') : where
    return { type: 'example', example: { id: name, encoded, labels, where, ...(truth ? { truth } : {}) } }
  } catch (error) {
    return { type: 'corrupt', where, reason: `not a tf.train.Example: ${errorMessage(error)}` }
  }
}

type Feature = ReturnType<typeof decodeExample>[string] | undefined

/** The first value; undefined when there is none, or an empty one. */
function bytesOf(feature: Feature): Uint8Array | undefined {
  const first = feature && 'bytes' in feature ? feature.bytes[0] : undefined
  return first?.length ? first : undefined
}

/** A feature that was written without values has no kind: that is an empty list too. */
function intsOf(feature: Feature): number[] | undefined {
  return feature && 'ints' in feature ? feature.ints : undefined
}
