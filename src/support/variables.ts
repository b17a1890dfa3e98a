/** A model's variables as data: models declare them, wire lays them out, a parameter server draws and stores them. */
export type Initializer =
  | { type: 'zeros' }
  | { type: 'ones' }
  | { type: 'constant'; value: number }
  | { type: 'normal'; stddev: number }

export interface VariableSpec {
  /** Unique, '/'-separated: `block1/unit_1/conv2/weights`. */
  name: string
  shape: readonly number[]
  /**
   * trainable: the optimizer updates it. statistic: batch-norm moving mean or variance; workers push the batch's value
   * and the shard averages it in. frozen: never pushed (frozen protocol).
   */
  kind: 'trainable' | 'statistic' | 'frozen'
  /** Whether weight decay applies: convolution and head weights, not biases, not batch norm. */
  decay: boolean
  init: Initializer
  /** A column slice of the head: slices are spread over the shards round-robin before all else (paper.md §4.4). */
  slice?: boolean
  /** A part of the task head: not restored from another job's checkpoint. */
  head?: boolean
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}
