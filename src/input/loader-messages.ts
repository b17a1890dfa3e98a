/** What a loader and its thread send each other. */
import type { Class } from '../contract/classes.ts'
import type { Lease } from '../contract/exchange.ts'
import type { DataConfig, TaskConfig } from '../contract/runtime.ts'
import type { Label } from '../data/labels.ts'
import type { PassedOver } from '../data/scan/kinds.ts'
import type { Batch } from './batch.ts'

/** What the thread starts with. */
export interface LoaderSetup {
  /** The mounted folder that `data.path` is relative to. */
  folder: string
  data: DataConfig
  task: TaskConfig
  batchSize: number
  seed: number
  /** Units that are read up to their first example when the data set is opened. */
  unitsToCheck: number
  /** Decoded pictures kept in memory. */
  cacheBytes: number
}

/** What a data set is, for a job that has not agreed on its classes yet. */
export interface DataFacts {
  /** As leases count them. */
  units: number
  labels: readonly Label[]
  passedOver: readonly PassedOver[]
}

export type ToLoader =
  /** Without classes, labels keep the numbers that they have in the folder. */
  | { type: 'start'; classes: readonly Class[] | undefined }
  /** One more batch may be made. */
  | { type: 'wanted' }
  | { type: 'lease'; lease: Lease | null }

export type FromLoader<T> =
  | { type: 'opened'; facts: DataFacts }
  | { type: 'batch'; batch: Batch<T>; corruptRecords: number }
  | { type: 'lease' }
  | { type: 'leaseDone'; lease: Lease }
  | { type: 'end'; corruptRecords: number }
  | { type: 'error'; code: string; message: string; corruptRecords: number }
