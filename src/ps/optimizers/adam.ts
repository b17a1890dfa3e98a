/**
 * Adam as in TF1: epsilon outside of the root, and the correction of the start (both means begin at zero) in the
 * learning rate, rate · √(1 − β2^t) / (1 − β1^t) for the t-th update.
 */
import { elementKernel, kernelCall } from '../kernel.ts'
import type { OptimizerKind } from './optimizer.ts'

const kernel = elementKernel({
  name: 'adam',
  arrays: ['w', 'g', 'm', 'v', 'to'],
  scalars: ['rate', 'beta1', 'beta2', 'epsilon', 'weightDecay'],
  formula: `
    gradient = g + weightDecay * w
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * (gradient * gradient)
    to = w - rate * m / (sqrt(v) + epsilon)`,
})

export const adam: OptimizerKind<'adam', 'm' | 'v'> = {
  slots: { m: 0, v: 0 },
  kernel,
  update(run, { beta1, beta2, epsilon }, { step, learningRate, weightDecay }) {
    const t = step + 1
    const rate = (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t)
    const arrays = { w: run.weights, g: run.gradient, m: run.slots.m, v: run.slots.v, to: run.to }
    return kernelCall(kernel, arrays, run, { rate, beta1, beta2, epsilon, weightDecay })
  },
}
