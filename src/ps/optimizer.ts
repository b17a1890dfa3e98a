/** Which slots an optimizer keeps, and one update of a run of weights with them (paper.md §4.2). */
import type { Optimizer } from '../contract/training.ts'
import type { Kernels } from './kernels.ts'

export interface Slot {
  name: string
  /** TF1's RMSProp starts its mean square at one, not zero. */
  initial: number
}

export function slotsOf(optimizer: Optimizer): readonly Slot[] {
  const momentum = { name: 'momentum', initial: 0 }
  return optimizer.type === 'rmsprop' ? [{ name: 'rms', initial: 1 }, momentum] : [momentum]
}

/** Byte pointers of one run of weights; `slots` in the order of `slotsOf`. */
export interface Run {
  weights: number
  gradient: number
  slots: readonly number[]
  length: number
}

export function updateRun(
  kernels: Kernels,
  optimizer: Optimizer,
  run: Run,
  learningRate: number,
  weightDecay: number,
): void {
  const { weights, gradient, length } = run
  const [first = 0, second = 0] = run.slots
  if (optimizer.type === 'rmsprop') {
    const { decay, momentum, epsilon } = optimizer
    kernels.rmsprop(weights, gradient, first, second, length, learningRate, decay, momentum, epsilon, weightDecay)
  } else kernels.momentum(weights, gradient, first, length, learningRate, optimizer.momentum, weightDecay)
}
