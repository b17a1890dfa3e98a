/** TFRecords with objects, under the keys of the TensorFlow Object Detection API (paper.md §5). */
import type { DatasetOf } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { objectDataset } from '../labelled-dataset.ts'
import { OBJECT_KEYS, objectReader } from '../records/object-record.ts'
import { firstKeys, openRecords } from '../records/record-files.ts'

export const tfrecordDetection: DataFormat = {
  name: 'tfrecord-detection',
  contents: 'tfrecord files of objects',
  examplesAre: 'records',
  detect: async (folder) => {
    const keys = await firstKeys(folder)
    return keys.has(OBJECT_KEYS.label) || keys.has(OBJECT_KEYS.text)
  },
  open: openObjectRecords,
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openObjectRecords(root: string, options: FormatOptions): Promise<DatasetOf<'objects'>> {
  const { files, labels } = await openRecords(root, options, objectReader)
  return objectDataset(files, labels, root)
}
