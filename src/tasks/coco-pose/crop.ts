/**
 * The part of a picture that the network sees. Boxes are in continuous pixels, where pixel i reaches from i to i + 1.
 * Keypoints are in indices of pixels, where pixel i is at i, as COCO annotates them: in the picture and in the crop.
 */
import type { Size } from '../../input/pipeline.ts'

export type Box = readonly [x: number, y: number, width: number, height: number]

export interface Crop {
  readonly left: number
  readonly top: number
  /** Pixels of the picture for each pixel of the crop. */
  readonly scale: number
  /** Whether the first column of the crop is the right edge. */
  readonly isFlipped: boolean
}

/** The part of a box inside of the picture; undefined when it has no area. */
export function clipBox([x, y, width, height]: Box, picture: Size): Box | undefined {
  const [left, top] = [Math.max(0, x), Math.max(0, y)]
  const right = Math.min(x + width, picture.width)
  const bottom = Math.min(y + height, picture.height)
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : undefined
}

/** Grows the box around its centre to the shape of the crop, and then by `factor`. */
export function cropAround([x, y, width, height]: Box, size: Size, factor: number, isFlipped = false): Crop {
  const scale = Math.max(width / size.width, height / size.height) * factor
  const left = x + width / 2 - (scale * size.width) / 2
  const top = y + height / 2 - (scale * size.height) / 2
  return { left, top, scale, isFlipped }
}

/** From a keypoint in the picture to one in the crop, which may be outside of it. */
export function toCrop(x: number, y: number, { left, top, scale, isFlipped }: Crop, size: Size): [number, number] {
  const column = (x + 0.5 - left) / scale - 0.5
  return [isFlipped ? size.width - 1 - column : column, (y + 0.5 - top) / scale - 0.5]
}

/** The inverse of `toCrop`. */
export function toPicture(x: number, y: number, { left, top, scale, isFlipped }: Crop, size: Size): [number, number] {
  const column = isFlipped ? size.width - 1 - x : x
  return [left + (column + 0.5) * scale - 0.5, top + (y + 0.5) * scale - 0.5]
}
