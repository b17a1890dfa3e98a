/** Resize to a square, random crop, random flip, pixels to [-1, 1] (paper.md §1.2), as src/input/square-crop.ts does it. */
import { z } from 'zod'
import { Input } from '../contract/training.ts'
import { DownpourError } from '../support/errors.ts'
import { parseFields } from './declaration.ts'

const { resizePixels, cropPixels, flip, resizeFilter } = Input.shape

export const SquareInput = z.strictObject({
  resizePixels: resizePixels.default(340),
  cropPixels: cropPixels.default(299),
  flip: flip.default(true),
  resizeFilter: resizeFilter.default('lanczos3'),
})

/** @throws DownpourError CONFIG_INVALID */
export function parseSquareInput(given: unknown): z.output<typeof SquareInput> {
  const input = parseFields(SquareInput, given)
  if (input.cropPixels <= input.resizePixels) return input
  const message = `task.input.cropPixels: ${input.cropPixels}: expected at most resizePixels, ${input.resizePixels}`
  throw new DownpourError('CONFIG_INVALID', message)
}
