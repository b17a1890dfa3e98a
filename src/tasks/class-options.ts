/** Options of tasks that learn a list of classes. */
import { z } from 'zod'

export const ClassOptions = z.strictObject({
  classes: z.int().min(1).max(1_000_000).describe('Outputs of the last layer: the number of classes in the data.'),
  headSlices: z
    .int()
    .min(1)
    .max(1000)
    .default(1)
    .describe(
      'Column slices of the last layer (the paper: 50); 1 when absent. Parameter servers share one slice as evenly as many.',
    ),
})
