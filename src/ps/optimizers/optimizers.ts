import type { Optimizer as Settings } from '../../contract/training.ts'
import type { Kernels } from '../kernels.ts'
import { adam } from './adam.ts'
import { momentum } from './momentum.ts'
import type { OptimizerKind, OptimizerType, Run, UpdateFacts } from './optimizer.ts'
import { rmsprop } from './rmsprop.ts'

/** Every optimizer that a job can name; tools/build-kernels.ts compiles their kernels. */
export const OPTIMIZERS: { readonly [Type in OptimizerType]: OptimizerKind<Type> } = { rmsprop, momentum, adam }

/** An optimizer with its settings. */
export interface Optimizer {
  readonly slots: Readonly<Record<string, number>>
  update(kernels: Kernels, run: Run, facts: UpdateFacts): void
}

export function createOptimizer(settings: Settings): Optimizer {
  const { slots, update } = OPTIMIZERS[settings.type] as OptimizerKind
  return { slots, update: (kernels, run, facts) => update(kernels, run, settings, facts) }
}
