import type { DataFormatName, FormatOption } from '../contract/data-formats.ts'
import type { DataConfig } from '../contract/runtime.ts'
import type { Dataset } from './dataset.ts'

export interface DataFormat<A> {
  readonly name: DataFormatName
  /** What the format reads; a message about a folder without any says it. */
  readonly contents: string
  /** Whether every picture is a file, or a file holds many records: a unit is then such a file, opened as a whole. */
  readonly examplesAre: 'files' | 'records'
  /** Whether the folder itself, not one inside it, looks like a data set of this format. */
  detect(folder: string): Promise<boolean>
  /**
   * Lists the data set; pictures and records are read later.
   * @throws DownpourError DATA_…, LABELS_INVALID, LABEL_UNKNOWN; Node's error when the storage fails
   */
  open(root: string, options: FormatOptions): Promise<Dataset<A>>
}

/** What a job says of its data besides their place. */
export type FormatOptions = Pick<DataConfig, FormatOption | 'subset'>
