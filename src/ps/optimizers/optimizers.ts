import type { Optimizer as Settings } from '../../contract/training.ts'
import type { KernelCall } from '../kernel.ts'
import { adam } from './adam.ts'
import { momentum } from './momentum.ts'
import type { OptimizerKind, OptimizerType, Run, UpdateFacts } from './optimizer.ts'
import { rmsprop } from './rmsprop.ts'

/** Every optimizer that a job can name; tools/build-kernels.ts compiles their kernels. */
export const OPTIMIZERS: { readonly [Type in OptimizerType]: OptimizerKind<Type> } = { rmsprop, momentum, adam }

/** An optimizer with its settings. */
export interface Optimizer {
  readonly slots: Readonly<Record<string, number>>
  update(run: Run, facts: UpdateFacts): KernelCall
}

export function createOptimizer(settings: Settings): Optimizer {
  const { slots, update } = OPTIMIZERS[settings.type] as OptimizerKind
  return { slots, update: (run, facts) => update(run, settings, facts) }
}
