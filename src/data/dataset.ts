/** What a folder of data holds, whatever its format: examples with annotations, in units that a job hands out as leases. */
import type { Class } from '../contract/classes.ts'
import type { LabelMap } from './labels.ts'
import type { PassedOver } from './scan/kinds.ts'

export interface Encoded<A> {
  readonly id: string
  /** The picture, as its file or record has it. */
  readonly bytes: Uint8Array
  /** As stored: `Dataset.interpret` says what it means. */
  readonly annotation: A
  /** The file, with the byte offset inside a record file; for messages. */
  readonly where: string
}

export type Item<A> =
  | ({ readonly type: 'example' } & Encoded<A>)
  | { readonly type: 'corrupt'; readonly where: string; readonly reason: string }

export interface Dataset<A> {
  /** Names of the units, sorted: leases count them, so they must be the same on every worker. */
  readonly units: readonly string[]
  /** The meaning of label ids: the folder's own, or the job's after `withClasses`. */
  readonly labels: LabelMap
  /** What lies in the folder and is not read. */
  readonly passedOver: readonly PassedOver[]
  /** Examples of the subset, and damage, in the order of the files. @throws DownpourError DATA_UNREADABLE */
  read(unit: number): AsyncGenerator<Item<A>>
  /** A stored annotation in ids of `labels`, with missing ancestors added. @throws DownpourError LABEL_UNKNOWN */
  interpret(annotation: A): A
  /**
   * The same data under the classes of a job, matched by name. Nothing is read from the disk again.
   * @throws DownpourError CLASS_UNKNOWN: the folder has classes that the job lacks; HIERARCHY_DIFFERS
   */
  withClasses(classes: readonly Class[]): Dataset<A>
}

/** The labels of an image; an exclusive class comes first. */
export interface ClassLabels {
  readonly labels: readonly number[]
  /** What a generated picture shows, where its record says so. */
  readonly truth?: readonly number[]
}
