import { join } from 'node:path'
import type { AnnotationKind } from '../contract/data-formats.ts'
import type { DataConfig } from '../contract/runtime.ts'
import type { Dataset } from '../data/dataset.ts'
import { openTaskDataset } from '../data/formats.ts'
import { checkUnits } from './check-units.ts'
import type { CorruptionCount } from './corruption-count.ts'

/**
 * Opens a data set and checks its first `most` units.
 * @throws DownpourError DATA_…, BAD_DATA, LABELS_INVALID, LABEL_UNKNOWN
 */
export async function openChecked(
  folder: string,
  config: DataConfig,
  kind: AnnotationKind,
  most: number,
  corruption: CorruptionCount,
): Promise<Dataset<unknown>> {
  const dataset = await openTaskDataset(kind, folder, config)
  await checkUnits(dataset, most, join(folder, config.path), corruption)
  return dataset
}
