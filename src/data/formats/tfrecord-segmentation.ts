/** TFRecords with a mask of classes, under the keys of DeepLab's records (paper.md §5). */
import type { DatasetOf } from '../dataset.ts'
import type { DataFormat, FormatOptions } from '../format.ts'
import { maskDataset } from '../labelled-dataset.ts'
import { MASK_KEYS, maskReader } from '../records/mask-record.ts'
import { firstKeys, openRecords } from '../records/record-files.ts'

export const tfrecordSegmentation: DataFormat = {
  name: 'tfrecord-segmentation',
  contents: 'tfrecord files of masks',
  examplesAre: 'records',
  detect: async (folder) => (await firstKeys(folder)).has(MASK_KEYS.encoded),
  open: openMaskRecords,
}

/** @throws DownpourError DATA_MISSING, DATA_UNREADABLE, DATA_SHARDS_…, DATA_COMPRESSED, LABELS_INVALID */
async function openMaskRecords(root: string, options: FormatOptions): Promise<DatasetOf<'masks'>> {
  const { files, labels } = await openRecords(root, options, maskReader)
  return maskDataset(files, labels, root)
}
