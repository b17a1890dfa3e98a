/** SGD with momentum as in TF1 (paper.md §4.2): the learning rate is outside of the momentum. */
import { elementKernel } from '../kernel.ts'
import type { OptimizerKind } from './optimizer.ts'

const kernel = elementKernel({
  name: 'momentum',
  arrays: ['w', 'g', 'mom'],
  scalars: ['rate', 'momentum', 'weightDecay'],
  formula: `
    mom = momentum * mom + (g + weightDecay * w)
    w = w - rate * mom`,
})

export const momentum: OptimizerKind<'momentum', 'momentum'> = {
  slots: { momentum: 0 },
  kernel,
  update(kernels, { weights, gradient, slots, length }, settings, { learningRate, weightDecay }) {
    const arrays = { w: weights, g: gradient, mom: slots.momentum }
    kernels.run(kernel, arrays, length, { rate: learningRate, momentum: settings.momentum, weightDecay })
  },
}
