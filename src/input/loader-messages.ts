/** Messages between a loader and its thread. */
import type { Class } from '../contract/classes.ts'
import type { Lease } from '../contract/exchange.ts'
import type { DataConfig, TaskConfig } from '../contract/runtime.ts'
import type { Label } from '../data/labels.ts'
import type { PassedOver } from '../data/scan/kinds.ts'
import type { Batch } from './batch.ts'

/** The configuration of the thread. */
export interface LoaderSetup {
  /** The mounted folder that `data.path` is relative to. */
  folder: string
  data: DataConfig
  task: TaskConfig
  batchSize: number
  seed: number
  /** Units that are read up to their first example when the data set is opened. */
  unitsToCheck: number
  /** Whether a picture that the task can learn from is looked for when the data set is opened; not when absent. */
  isContentChecked?: boolean
  /** Of the job; 1 when absent. */
  workers?: number
  /** Pictures that are decoded at the same time; two for each CPU when absent. */
  decoders?: number | undefined
  /** Decoded pictures kept in memory. */
  cacheBytes: number
}

/** Facts of an open data set, before the job has agreed on its classes. */
export interface DataFacts {
  /** The number of units. */
  units: number
  labels: readonly Label[]
  passedOver: readonly PassedOver[]
}

export interface LoaderStart {
  /** Absent: labels keep the ids that they have in the folder. */
  classes?: readonly Class[] | undefined
  /** The first batches have so many images, which the seed chooses, and no leases; 0 when absent. */
  calibrationImages?: number | undefined
}

export type ToLoader =
  | ({ type: 'start' } & LoaderStart)
  /** The main thread has room for one more batch. */
  | { type: 'wanted' }
  /** The memory of a batch that is no longer needed. */
  | { type: 'recycled'; memory: SharedArrayBuffer }
  | { type: 'lease'; lease: Lease | null }

export type FromLoader<T> =
  | { type: 'opened'; facts: DataFacts }
  | { type: 'batch'; batch: Batch<T>; corruptRecords: number }
  | { type: 'lease' }
  | { type: 'leaseDone'; lease: Lease }
  | { type: 'end'; corruptRecords: number }
  | { type: 'error'; code: string; message: string; corruptRecords: number }
