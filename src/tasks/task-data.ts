import type { Label } from '../data/labels.ts'

/** What a pipeline may check the data against, before it reads a picture. */
export interface TaskData {
  /** `options` of the task. */
  readonly options: unknown
  /** What the label ids of the annotations mean. */
  readonly labels: readonly Label[]
  /** The folder of the data set. Files that the input names are relative to it. */
  readonly folder: string
  /** Present where the data set is scored. `images`: the ids of its images, where the format lists them and all are read. */
  readonly scored?: { readonly images: ReadonlySet<string> | undefined }
}
