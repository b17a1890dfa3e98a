import type { ClassLabels } from '../../data/dataset.ts'
import type { InputPipeline } from '../../input/pipeline.ts'
import { squareCrop } from '../../input/square-crop.ts'
import { DownpourError } from '../../support/errors.ts'
import { parseSquareInput } from '../square-input.ts'
import type { CountTarget } from './score.ts'

/** @throws DownpourError CONFIG_INVALID; BAD_DATA from samples whose record does not say what the image shows */
export function createInput(given: unknown): InputPipeline<ClassLabels, CountTarget> {
  return squareCrop(parseSquareInput(given), ({ truth }: ClassLabels) => {
    if (truth) return { count: truth.length }
    throw new DownpourError(
      'BAD_DATA',
      'a record has no image/class/truth, which holds a label for each object in the picture',
    )
  })
}
