import type { DataFormatName, FormatOption } from '../contract/data-formats.ts'
import type { DataConfig } from '../contract/runtime.ts'
import type { AnyDataset } from './dataset.ts'

export interface DataFormat {
  readonly name: DataFormatName
  /** What the format reads, as in "no class folders with pictures here". */
  readonly contents: string
  /** `files`: each example is a file, and a unit is a group of them. `records`: a unit is a file of many examples. */
  readonly examplesAre: 'files' | 'records'
  /** Whether the folder itself is a data set of this format. False for a folder that only contains data sets. */
  detect(folder: string): Promise<boolean>
  /**
   * Lists the data set. Pictures and records are read later, unit by unit.
   * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN; Node's error when the storage fails
   */
  open(root: string, options: FormatOptions): Promise<AnyDataset>
}

/** The fields of `spec.data` that a format reads. */
export type FormatOptions = Pick<DataConfig, FormatOption | 'subset'>
