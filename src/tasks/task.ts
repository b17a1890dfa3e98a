/** A task as workers and the evaluator use it: network and loss over tensors, predictions and scores over plain arrays. */
import type { Sketches } from '../contract/sketch.ts'
import type { Backbone, BackboneOptions } from '../models/backbone.ts'
import type { Objective } from '../models/gradients.ts'
import type { Pass } from '../models/layer.ts'
import type { LabelTree } from '../scores/mean-average-precision.ts'
import type { VariableSpec } from '../support/variables.ts'
import type { Tensor, Tensor4D } from '../tensor/tf.ts'
import type { Values } from '../tensor/values.ts'

export type { Sketch, Sketches } from '../contract/sketch.ts'
export type { Values } from '../tensor/values.ts'

/** What a task may ask of the job's backbone; BackboneOptions describes the field. */
export type BackboneSettings = Pick<BackboneOptions, 'outputStride'>

/** @throws DownpourError CONFIG_INVALID where the job's backbone cannot be built so */
export type BuildBackbone = (settings?: BackboneSettings) => Backbone

/** @template T target of an image, as the input pipeline makes it; P prediction for an image */
export interface Task<T = unknown, P = unknown> {
  readonly variables: readonly VariableSpec[]
  /** Named arrays of fixed shape. They become tensors before the pass, as inputs of a step. */
  encode(targets: readonly T[]): Readonly<Record<string, Values>>
  /**
   * Runs the network itself, because a second stage may need the targets of the first. It must not make a tensor out of
   * targets: a step that is recorded as a graph would keep those of the recorded batch.
   */
  objective(pass: Pass, images_BHWC: Tensor4D, targets: Readonly<Record<string, Tensor>>): Objective
  /** What `infer` needs beside the images, as named arrays; absent: nothing. */
  inputs?(targets: readonly T[]): Readonly<Record<string, Values>>
  /** Call inside tf.tidy. */
  infer(pass: Pass, images_BHWC: Tensor4D, inputs?: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>
  decode(outputs: Readonly<Record<string, Values>>, targets: readonly T[]): readonly P[]
  /** @param labels of the data set, by id */
  scorer(labels: LabelTree): Scorer<T, P>
  /**
   * For the report's worst, median and best pictures. It is called for each scored sample, so it must be fast; absent: the
   * report has no pictures of this task.
   */
  sketch?(prediction: P, target: T): Sketches
  /** What a COCO results file says of the prediction; absent: the task has no such file. */
  results?(prediction: P, target: T): readonly ResultRow[]
}

/** One object in pixels of the picture file. The writer adds the ids of image and category. */
export interface ResultRow {
  readonly label: number
  /** Left, top, width, height. */
  readonly bbox?: readonly number[]
  /** x, y and visibility of each. */
  readonly keypoints?: readonly number[]
  readonly score: number
}

/** Gathers scores over batches. */
export interface Scorer<T = unknown, P = unknown> {
  add(predictions: readonly P[], targets: readonly T[]): void
  /** Every metric that the task declares. */
  result(): Record<string, number>
}
