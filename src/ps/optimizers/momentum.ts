/** SGD with momentum as in TF1 (paper.md §4.2): the learning rate is outside of the momentum. */
import { elementKernel, kernelCall } from '../kernel.ts'
import type { OptimizerKind } from './optimizer.ts'

const kernel = elementKernel({
  name: 'momentum',
  arrays: ['w', 'g', 'mom', 'to'],
  scalars: ['rate', 'momentum', 'weightDecay'],
  formula: `
    mom = momentum * mom + (g + weightDecay * w)
    to = w - rate * mom`,
})

export const momentum: OptimizerKind<'momentum', 'momentum'> = {
  slots: { momentum: 0 },
  kernel,
  update(run, { momentum }, { learningRate, weightDecay }) {
    const arrays = { w: run.weights, g: run.gradient, mom: run.slots.momentum, to: run.to }
    return kernelCall(kernel, arrays, run, { rate: learningRate, momentum, weightDecay })
  },
}
