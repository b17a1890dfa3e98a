/** A model's variables as data: models declare them, wire lays them out, a parameter server initialises and stores them. */
import { z } from 'zod'

const count = z.int().min(0)

const Initializer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('zeros') }),
  z.strictObject({ type: z.literal('ones') }),
  z.strictObject({ type: z.literal('constant'), value: z.number() }),
  z.strictObject({ type: z.literal('normal'), stddev: z.number() }),
])
export type Initializer = z.output<typeof Initializer>

/** As messages and manifests carry a variable. */
export const StoredVariable = z.strictObject({
  /** Unique, '/'-separated: `block1/unit_1/conv2/weights`. */
  name: z.string().min(1).max(512),
  shape: z.array(count.max(0xffff_ffff)).max(8).readonly(),
  /**
   * trainable: the optimizer updates it. statistic: batch-norm moving mean or variance; workers push the batch's value
   * and the shard averages it in. frozen: never pushed (frozen protocol).
   */
  kind: z.enum(['trainable', 'statistic', 'frozen']),
  /** Whether weight decay applies: convolution and head weights, not biases, not batch norm. */
  decay: z.boolean(),
  init: Initializer,
  /** The variable learns at the job's rate times this; absent: at the job's rate. */
  learningRateMultiplier: z.exactOptional(z.number().positive()),
  /** A column slice of the head: slices are spread over the shards round-robin before all else (paper.md §4.4). */
  slice: z.exactOptional(z.boolean()),
  /** True for a variable that is not restored from another job's checkpoint. */
  head: z.exactOptional(z.boolean()),
})
export type StoredVariable = z.output<typeof StoredVariable>

export interface VariableSpec extends Omit<StoredVariable, 'head'> {
  /** Not from another job's checkpoint: the variable belongs to the task. Stored as `head`, a name that hashes depend on. */
  restored?: false
}

export function storedVariable({ restored, ...variable }: VariableSpec): StoredVariable {
  return restored === false ? { ...variable, head: true } : variable
}

export function variableSpec({ head, ...variable }: StoredVariable): VariableSpec {
  return head ? { ...variable, restored: false } : variable
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1)
}
