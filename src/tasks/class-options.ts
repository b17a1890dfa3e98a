/** Options of tasks that learn a list of classes. */
import { z } from 'zod'
import { Model } from '../contract/training.ts'

export const ClassOptions = z.strictObject({
  classes: Model.shape.classes,
  headSlices: Model.shape.headSlices,
})
