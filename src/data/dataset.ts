/** A data set of any format: examples with annotations, in units that the job leases to its workers. */
import type { Class } from '../contract/classes.ts'
import type { AnnotationKind } from '../contract/data-formats.ts'
import type { MaskAnnotation, ObjectAnnotation } from './annotations.ts'
import type { LabelMap } from './labels.ts'
import type { PassedOver } from './scan/kinds.ts'

export interface Encoded<A> {
  readonly id: string
  /** Of the picture, without its folder, where each picture has a file. */
  readonly fileName?: string
  /** The encoded picture. */
  readonly bytes: Uint8Array
  /** As stored; `Dataset.interpret` translates it to labels of the job. */
  readonly annotation: A
  /** For messages: the file, and the byte offset in a record file. */
  readonly where: string
}

export type Item<A> =
  | ({ readonly type: 'example' } & Encoded<A>)
  | { readonly type: 'corrupt'; readonly where: string; readonly reason: string }

export interface Dataset<A> {
  /** Names of the units, sorted. Leases name a unit by its index, so every worker must see the same units. */
  readonly units: readonly string[]
  /** What label ids mean: the folder's own labels, or after `withClasses` those of the job, with what the folder says of each. */
  readonly labels: LabelMap
  /** What is in the folder and is not read. */
  readonly passedOver: readonly PassedOver[]
  /**
   * Examples of the subset and damaged places, in the order of the files.
   * @param isWanted a format may pass over other examples without reading them, or yield them all the same
   * @throws DownpourError DATA_UNREADABLE
   */
  read(unit: number, isWanted?: (id: string) => boolean): AsyncGenerator<Item<A>>
  /** The ids of a unit's examples, in a format that knows them without reading files. */
  ids?(unit: number): readonly string[]
  /** How many items `read` gives for each unit, where that is known without reading. */
  readonly itemCounts?: readonly number[]
  /** Files and folders that are read, relative to the folder of the data set; the whole folder when absent. */
  readonly paths?: readonly string[]
  /**
   * Translates a stored annotation to ids of `labels` and adds missing ancestors.
   * @throws DownpourError LABEL_UNKNOWN
   */
  interpret(annotation: A): A
  /**
   * The same data with the classes of a job, matched by name. Reads nothing from the disk.
   * @throws DownpourError CLASS_UNKNOWN: the folder has classes that the job lacks; HIERARCHY_DIFFERS
   */
  withClasses(classes: readonly Class[]): Dataset<A>
}

/** What is annotated in each picture of a data set of a kind. */
export interface AnnotationKinds extends Readonly<Record<AnnotationKind, object>> {
  readonly classes: ClassLabels
  readonly objects: ObjectAnnotation
  readonly masks: MaskAnnotation
}

export type DatasetOf<K extends AnnotationKind> = { readonly annotates: K } & Dataset<AnnotationKinds[K]>
/** `annotates` tells which it is. */
export type AnyDataset = { [K in AnnotationKind]: DatasetOf<K> }[AnnotationKind]

/** Label ids of an image. A task with exclusive classes uses the first. */
export interface ClassLabels {
  readonly labels: readonly number[]
  /** Labels of the objects in a generated picture, where its record has them; the stored labels may be wrong. */
  readonly truth?: readonly number[]
}
