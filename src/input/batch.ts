import type { Lease } from '../contract/exchange.ts'

/** What training and evaluation read: images, and a target of the task for each. */
export interface Batch<T> {
  /** batch · height · width · 3 values in [-1, 1], row-major. */
  readonly images: Float32Array
  readonly shape: readonly [batch: number, height: number, width: number]
  /** One for each image; typed arrays and numbers, because a batch moves between threads. */
  readonly targets: readonly T[]
  readonly ids: readonly string[]
}

export interface LeaseSource {
  /** Null: there is nothing more to train on. */
  next(): Promise<Lease | null>
  done(lease: Lease): Promise<void>
}
