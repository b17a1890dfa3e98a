/** The input of tasks with class labels: a square crop, and the labels of the data set as target. */
import type { ClassLabels } from '../data/dataset.ts'
import type { InputPipeline } from '../input/pipeline.ts'
import { squareCrop } from '../input/square-crop.ts'
import { parseSquareInput } from './square-input.ts'

/** @throws DownpourError CONFIG_INVALID */
export function labelInput(given: unknown): InputPipeline<ClassLabels, ClassLabels> {
  return squareCrop(parseSquareInput(given), ({ labels }: ClassLabels) => ({ labels }))
}
