/** TFRecords with class labels (paper.md §5, "JFT-like"). */
import type { Features } from '../codecs/example.ts'
import { intsOf } from '../codecs/features.ts'
import type { ClassLabels, DatasetOf } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { classDataset } from '../labelled-dataset.ts'
import { OBJECT_KEYS } from '../records/object-record.ts'
import { openRecords } from '../records/record-files.ts'
import { hasShards } from '../scan/shard-files.ts'
import { isRecordName } from '../scan/shards.ts'

/** `data inspect` tries it after the other formats of records, which look into the first record. */
export const tfrecord: DataFormat = {
  name: 'tfrecord',
  contents: 'tfrecord files',
  examplesAre: 'records',
  detect: (folder) => hasShards(folder, isRecordName),
  open: openClassRecords,
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openClassRecords(root: string, options: FormatOptions): Promise<DatasetOf<'classes'>> {
  const reader = { idKeys: ['image/id', 'image/filename'], annotationOf: classesOf }
  const { files, labels } = await openRecords(root, options, () => reader)
  return classDataset(files, labels, root)
}

function classesOf(features: Features): ClassLabels {
  const labels = intsOf(features['image/class/label'])
  const truth = intsOf(features['image/class/truth'])
  if (labels) return { labels, ...(truth ? { truth } : {}) }
  const hint = OBJECT_KEYS.label in features ? `; it has ${OBJECT_KEYS.label}, as format tfrecord-detection has` : ''
  throw new Error(`no image/class/label${hint}`)
}
