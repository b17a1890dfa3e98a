import type { Tensor } from './tf.ts'

type NamedTensors = ReadonlyMap<string, Tensor>

/** A function of tensors. It disposes neither of its arguments nor of its results, which are tensors of their own. */
export type Compute = (weights: NamedTensors, inputs: NamedTensors) => NamedTensors
