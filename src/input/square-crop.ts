/** Pixels: cropping, flipping, scaling to [-1, 1] (paper.md §1.2). */
import type { InputConfig } from '../contract/runtime.ts'
import type { Random } from '../support/random.ts'

const CHANNELS = 3

export interface Crop {
  top: number
  left: number
  flip: boolean
}

export function randomCrop({ resizePixels, cropPixels, flip }: InputConfig, random: Random): Crop {
  const room = resizePixels - cropPixels + 1
  return { top: random.int(room), left: random.int(room), flip: flip && random.next() < 0.5 }
}

export function centreCrop({ resizePixels, cropPixels }: InputConfig): Crop {
  const offset = Math.floor((resizePixels - cropPixels) / 2)
  return { top: offset, left: offset, flip: false }
}

/** Writes the crop of `pixels` (resizePixels² RGB) to `out` at `offset`, as cropPixels²·3 floats in [-1, 1]. */
export function writeCrop(pixels: Uint8Array, input: InputConfig, crop: Crop, out: Float32Array, offset: number): void {
  const { resizePixels, cropPixels } = input
  let at = offset
  for (let row = 0; row < cropPixels; row++) {
    const line = (crop.top + row) * resizePixels + crop.left
    for (let column = 0; column < cropPixels; column++) {
      const from = (line + (crop.flip ? cropPixels - 1 - column : column)) * CHANNELS
      for (let channel = 0; channel < CHANNELS; channel++) out[at++] = (pixels[from + channel] as number) / 127.5 - 1
    }
  }
}

/** Floats of one cropped image. */
export function cropLength({ cropPixels }: InputConfig): number {
  return cropPixels * cropPixels * CHANNELS
}
