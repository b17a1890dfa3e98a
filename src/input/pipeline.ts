/** What a task makes of an example before it becomes a tensor. Runs in the loader's thread, so it must not import tfjs. */
import type { Random } from '../support/random.ts'

export interface Size {
  readonly height: number
  readonly width: number
}

/** A decoded picture, as large as the pipeline wants it: several samples may be cut out of it. */
export interface Picture extends Size {
  /** height · width · 3 bytes, row-major. */
  readonly rgb: Uint8Array
}

export interface Decoded<A> {
  readonly id: string
  readonly picture: Picture
  /** In label ids of the job. */
  readonly annotation: A
}

/** One row of a batch. It draws itself into the batch's memory, so that no pixel is copied twice. */
export interface Sample<T> {
  /** Of the drawn picture, padding included. Samples of one size share a batch; the true size can be in the target. */
  readonly size: Size
  readonly target: T
  /** Writes height · width · 3 values in [-1, 1]. */
  draw(into: Float32Array, offset: number): void
}

export interface InputPipeline<A, T> {
  /** Called once for an example that fits in the cache, so no randomness here. @throws Error that says why the bytes are no picture */
  decode(bytes: Uint8Array): Promise<Picture>
  /** None, one or several samples. All randomness comes from `random`: a restarted worker draws the same samples. */
  train(example: Decoded<A>, random: Random): Iterable<Sample<T>>
  /** The same samples at every call. */
  evaluate(example: Decoded<A>): Iterable<Sample<T>>
}
