/** Resizes to a square, crops a smaller square, mirrors, and scales to [-1, 1] (paper.md §1.2). */
import type { InputConfig } from '../contract/runtime.ts'
import { decodeSquare } from '../data/codecs/image.ts'
import type { Random } from '../support/random.ts'
import { drawRow } from './draw.ts'
import type { InputPipeline, Picture, Sample } from './pipeline.ts'

const CHANNELS = 3

type CropRange = Omit<InputConfig, 'resizeFilter'>

export interface Crop {
  top: number
  left: number
  flip: boolean
}

/** @param targetOf what the task learns about an image; it does not change with the crop */
export function squareCrop<A, T>(input: InputConfig, targetOf: (annotation: A) => T): InputPipeline<A, T> {
  const { resizePixels, cropPixels, resizeFilter } = input
  const size = { height: cropPixels, width: cropPixels }
  const cut = (picture: Picture, annotation: A, crop: Crop): Sample<T> => ({
    size,
    target: targetOf(annotation),
    draw: (into, offset) => drawCrop(picture, cropPixels, crop, into, offset),
  })
  return {
    decode: async (bytes) => ({
      rgb: await decodeSquare(bytes, resizePixels, resizeFilter),
      height: resizePixels,
      width: resizePixels,
    }),
    train: ({ picture, annotation }, random) => [cut(picture, annotation, randomCrop(input, random))],
    evaluate: ({ picture, annotation }) => [cut(picture, annotation, centreCrop(input))],
  }
}

export function randomCrop({ resizePixels, cropPixels, flip }: CropRange, random: Random): Crop {
  const places = resizePixels - cropPixels + 1
  return { top: random.int(places), left: random.int(places), flip: flip && random.next() < 0.5 }
}

export function centreCrop({ resizePixels, cropPixels }: Omit<CropRange, 'flip'>): Crop {
  const offset = Math.floor((resizePixels - cropPixels) / 2)
  return { top: offset, left: offset, flip: false }
}

/** Writes the square of `side` pixels to `into` at `offset`, as side²·3 floats in [-1, 1]. */
export function drawCrop({ rgb, width }: Picture, side: number, crop: Crop, into: Float32Array, offset: number): void {
  for (let row = 0; row < side; row++) {
    const from = ((crop.top + row) * width + crop.left) * CHANNELS
    drawRow(rgb, from, side, crop.flip, into, offset + row * side * CHANNELS)
  }
}
