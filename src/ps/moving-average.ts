import { elementKernel } from './kernel.ts'

/** How batch statistics change the moving mean and variance of batch norm. */
export const MOVING_AVERAGE = elementKernel({
  name: 'average',
  arrays: ['mean', 'batch'],
  scalars: ['decay'],
  formula: 'mean = decay * mean + (1 - decay) * batch',
})
