import type { Lease } from '../contract/exchange.ts'

/** Images, and the task's target for each. */
export interface Batch<T> {
  /** batch · height · width · 3 values in [-1, 1], row-major. */
  readonly images: Float32Array
  readonly shape: readonly [batch: number, height: number, width: number]
  /** One for each image. Plain data (numbers, typed arrays), because a batch is sent from the loader's thread. */
  readonly targets: readonly T[]
  readonly ids: readonly string[]
}

export interface LeaseSource {
  /** Null when the job is done. */
  next(): Promise<Lease | null>
  done(lease: Lease): Promise<void>
}
