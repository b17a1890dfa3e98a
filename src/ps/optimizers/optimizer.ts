/** What an optimizer of a parameter server is. Each kind is a file of this folder, listed in `optimizers.ts`. */
import type { Optimizer as Settings } from '../../contract/training.ts'
import type { ElementKernel } from '../kernel.ts'
import type { Kernels } from '../kernels.ts'

export type OptimizerType = Settings['type']

/** Byte positions of one run of neighbouring weights, of their gradient, and by name of their slots. */
export interface Run<Slot extends string = string> {
  weights: number
  gradient: number
  slots: Readonly<Record<Slot, number>>
  /** Elements. */
  length: number
}

export interface UpdateFacts {
  /** Updates that the shard applied before this one: it is in checkpoints, so a restart continues it. */
  step: number
  learningRate: number
  /** Coupled L2: the optimizer sees gradient + weightDecay · weights. */
  weightDecay: number
}

export interface OptimizerKind<Type extends OptimizerType = OptimizerType, Slot extends string = string> {
  /** A value for each trainable weight, by its name in checkpoints, and what it starts as. */
  readonly slots: Readonly<Record<Slot, number>>
  readonly kernel: ElementKernel
  update(kernels: Kernels, run: Run<Slot>, settings: Extract<Settings, { type: Type }>, facts: UpdateFacts): void
}
