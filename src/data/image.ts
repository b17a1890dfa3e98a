/** Pixels: decoding by sharp (libvips), cropping, flipping, scaling to [-1, 1] (paper.md §1.2). */
import sharp from 'sharp'
import type { InputConfig } from '../contract/runtime.ts'
import { errorMessage } from '../support/errors.ts'
import type { Random } from '../support/random.ts'
import { whyNoPicture } from './formats/signature.ts'

// Fifty workers share a machine: no cache of libvips' own, and one thread an image.
sharp.cache(false)
sharp.concurrency(1)

const CHANNELS = 3

/**
 * Decodes and resizes to a square, ignoring the aspect; of several pages or frames the first.
 * @returns RGB bytes, size·size·3 long
 * @throws Error that says what the bytes are, where they are no picture
 */
export async function decodeSquare(encoded: Uint8Array, size: number): Promise<Uint8Array> {
  try {
    return await sharp(encoded, { failOn: 'error' })
      .resize(size, size, { fit: 'fill' })
      .flatten()
      .toColourspace('srgb')
      .raw()
      .toBuffer()
  } catch (error) {
    throw new Error(whyNoPicture(encoded) ?? errorMessage(error), { cause: error })
  }
}

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
