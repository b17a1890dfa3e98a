/** The interface of optimizers. Each is a file of this folder, listed in `optimizers.ts`. */
import type { Optimizer as Settings } from '../../contract/training.ts'
import type { ElementKernel, KernelCall } from '../kernel.ts'

export type OptimizerType = Settings['type']

/** Byte positions of consecutive weights, of their gradient, and of their slots by name. */
export interface Run<Slot extends string = string> {
  /** Of the first weight, in the shard. */
  start: number
  weights: number
  /** Where the new weights are written; may be `weights`. */
  to: number
  gradient: number
  slots: Readonly<Record<Slot, number>>
  /** Elements. */
  length: number
}

export interface UpdateFacts {
  /** Number of updates that the shard has applied before. Checkpoints contain it, so it continues after a restart. */
  step: number
  learningRate: number
  /** Coupled L2: the optimizer sees gradient + weightDecay · weights. */
  weightDecay: number
}

export interface OptimizerKind<Type extends OptimizerType = OptimizerType, Slot extends string = string> {
  /** Name of each slot in checkpoints → initial value. A slot has one value for each trainable weight. */
  readonly slots: Readonly<Record<Slot, number>>
  readonly kernel: ElementKernel
  update(run: Run<Slot>, settings: Extract<Settings, { type: Type }>, facts: UpdateFacts): KernelCall
}
