/**
 * What a task makes of an example before it becomes a tensor. Runs in the loader's thread, so it must not import tfjs.
 */
import type { Random } from '../support/random.ts'

export interface Size {
  readonly height: number
  readonly width: number
}

/** A decoded picture in the size that the pipeline needs. Several samples may be cropped from it. */
export interface Picture extends Size {
  /** height · width · 3 bytes, row-major. Its memory is freed when the samples are drawn. */
  readonly rgb: Uint8Array
}

export interface Decoded<A> {
  readonly id: string
  readonly picture: Picture
  /** In label ids of the job. */
  readonly annotation: A
}

/** One row of a batch. It draws into the memory of the batch, so that pixels are copied only once. */
export interface Sample<T> {
  /** With padding. Samples of the same size share a batch; the size without padding can be in the target. */
  readonly size: Size
  readonly target: T
  /** Writes height · width · 3 values in [-1, 1], each of them: an earlier batch was in the same memory. */
  draw(into: Float32Array, offset: number): void
}

/** What at least one picture of a data set must have, because there would be nothing to learn or to score without it. */
export interface Need<A> {
  /** Of the error. */
  readonly code: string
  /** Completes "none of its pictures has …". */
  readonly expected: string
  isMet(annotation: A): boolean
}

export interface InputPipeline<A, T> {
  /** Absent: any annotation will do. */
  readonly needs?: Readonly<Record<'learning' | 'scoring', Need<A>>>
  /**
   * How many pixels a batch may have at evaluation, for tasks whose network needs much memory for each image; a single image
   * may have more. Absent: only the batch size counts.
   */
  readonly maxEvaluationPixels?: number
  /**
   * Must be deterministic, because the result may be cached.
   * @throws Error whose message says why it is not a usable picture
   */
  decode(bytes: Uint8Array): Promise<Picture>
  /**
   * None, one or several samples. All randomness comes from `random`, so that a restarted worker gets the same samples.
   */
  train(example: Decoded<A>, random: Random): Iterable<Sample<T>>
  /** Must be deterministic, so that scores of two checkpoints are comparable. */
  evaluate(example: Decoded<A>): Iterable<Sample<T>>
}
