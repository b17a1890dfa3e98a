/** Resize to a square, random crop, random flip, pixels to [-1, 1] (paper.md §1.2), as src/input/square-crop.ts does it. */
import { z } from 'zod'
import { Input } from '../contract/training.ts'

const { resizePixels, cropPixels, flip } = Input.shape

export const SquareInput = z.strictObject({
  resizePixels: resizePixels.default(340),
  cropPixels: cropPixels.default(299),
  flip: flip.default(true),
})
