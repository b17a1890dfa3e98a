import { elementKernel } from './kernel.ts'

/** Updates the moving mean and variance of batch norm with batch statistics. */
export const MOVING_AVERAGE = elementKernel({
  name: 'average',
  arrays: ['mean', 'batch', 'to'],
  scalars: ['decay'],
  formula: 'to = decay * mean + (1 - decay) * batch',
})
