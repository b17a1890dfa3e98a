/** The input of tasks with class labels: a square crop, and the labels of the data set as target. */
import type { ClassLabels } from '../data/dataset.ts'
import type { InputPipeline, Need } from '../input/pipeline.ts'
import { squareCrop } from '../input/square-crop.ts'
import { parseSquareInput } from './square-input.ts'

const NEED: Need<ClassLabels> = {
  code: 'DATA_NO_LABELS',
  expected: 'a class label',
  isMet: ({ labels }) => labels.length > 0,
}

/** @throws DownpourError CONFIG_INVALID */
export function labelInput(given: unknown): InputPipeline<ClassLabels, ClassLabels> {
  const pipeline = squareCrop(parseSquareInput(given), ({ labels }: ClassLabels) => ({ labels }))
  return { ...pipeline, needs: { learning: NEED, scoring: NEED } }
}
