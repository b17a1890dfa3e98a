/** RMSProp with momentum as in TF1 (paper.md §4.2): epsilon inside of the root, the learning rate inside of the momentum. */
import { elementKernel, kernelCall } from '../kernel.ts'
import type { OptimizerKind } from './optimizer.ts'

const kernel = elementKernel({
  name: 'rmsprop',
  arrays: ['w', 'g', 'rms', 'mom', 'to'],
  scalars: ['rate', 'decay', 'momentum', 'epsilon', 'weightDecay'],
  formula: `
    gradient = g + weightDecay * w
    rms = decay * rms + (1 - decay) * (gradient * gradient)
    mom = momentum * mom + rate * gradient / sqrt(rms + epsilon)
    to = w - mom`,
})

export const rmsprop: OptimizerKind<'rmsprop', 'rms' | 'momentum'> = {
  // TF1 starts the mean square at one.
  slots: { rms: 1, momentum: 0 },
  kernel,
  update(run, { decay, momentum, epsilon }, { learningRate, weightDecay }) {
    const arrays = { w: run.weights, g: run.gradient, rms: run.slots.rms, mom: run.slots.momentum, to: run.to }
    return kernelCall(kernel, arrays, run, { rate: learningRate, decay, momentum, epsilon, weightDecay })
  },
}
