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
  /** The data sets of a folder that may have several, each as the options that choose it; for `data inspect`. */
  parts?(folder: string): Promise<readonly DataPart[]>
  /**
   * Lists the data set. Pictures and records are read later, unit by unit.
   * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN; Node's error when the storage fails
   */
  open(root: string, options: FormatOptions): Promise<AnyDataset>
}

export type DataPart = Partial<Record<'annotations' | 'imageSet', string>>

/** The fields of `spec.data` that a format reads. */
export type FormatOptions = Pick<DataConfig, FormatOption | 'subset'>
