import { z } from 'zod'

/** Option of tasks that predict something for each place of a picture. */
export const outputStride = z
  .literal([4, 8, 16, 32])
  .describe('Pixels from one output to the next. Strides of the backbone beyond it become dilations.')
  .default(8)
