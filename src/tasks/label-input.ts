/** The input of the tasks that learn class labels: a square crop, and the labels as the data set has them. */
import type { InputConfig } from '../contract/runtime.ts'
import type { ClassLabels } from '../data/dataset.ts'
import type { InputPipeline } from '../input/pipeline.ts'
import { squareCrop } from '../input/square-crop.ts'

export function labelInput(input: InputConfig): InputPipeline<ClassLabels, ClassLabels> {
  return squareCrop(input, ({ labels }: ClassLabels) => ({ labels }))
}
