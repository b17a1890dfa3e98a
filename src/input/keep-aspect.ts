/**
 * Resizes pictures without changing their shape, mirrors them, pads them to one of a few sizes, and scales pixels to [-1, 1]
 * (paper.md §2.2, §4.6): the input of detectors.
 */
import type { ResizeFilter } from '../contract/training.ts'
import { decodeStored } from '../data/codecs/image.ts'
import { drawRow } from './draw.ts'
import type { Decoded, InputPipeline, Picture, Sample, Size } from './pipeline.ts'

const CHANNELS = 3
/** One picture of 600×1024 pixels at once: the second stage of a detector keeps hundreds of crops of each. */
const MAX_EVALUATION_PIXELS = 2 ** 19
/** Random numbers for targets are in [0, 2³¹), so that they fit into an int32 tensor. */
const SEEDS = 2 ** 31

export interface SideLimits {
  /** The short side after resizing, unless the long side would exceed its limit. */
  readonly shortSidePixels: number
  /** At least as large as `shortSidePixels`. */
  readonly longSidePixels: number
  /** The long side is padded to a multiple of it. */
  readonly padToPixels: number
}

export interface KeepAspectOptions extends SideLimits {
  readonly flip: boolean
  readonly resizeFilter: ResizeFilter
}

/** How a picture lies in the input of the network: at its upper left, the rest is padding. */
export interface View {
  readonly size: Size
  readonly padded: Size
  readonly flip: boolean
  /** For random decisions of the task in training; 0 at evaluation. */
  readonly seed: number
}

/**
 * The size of a picture after resizing, at least 1 pixel a side: the short side gets its length, or less where the long side
 * would exceed its limit (`keep_aspect_ratio_resizer` of the TensorFlow Object Detection API).
 */
export function fittedSize({ height, width }: Size, { shortSidePixels, longSidePixels }: SideLimits): Size {
  const [short, long] = [Math.min(height, width), Math.max(height, width)]
  const fits = Math.round((long * shortSidePixels) / short) <= longSidePixels
  const scaled = (side: number) =>
    Math.max(1, Math.round(fits ? (side * shortSidePixels) / short : (side * longSidePixels) / long))
  return { height: scaled(height), width: scaled(width) }
}

/**
 * The short side is padded to its full length, the long side to the next multiple of `padToPixels`, up to its limit. So
 * there are at most 2 · (1 + (longSidePixels - shortSidePixels) / padToPixels) sizes, rounded up, whatever the pictures.
 */
export function paddedSize(size: Size, { shortSidePixels, longSidePixels, padToPixels }: SideLimits): Size {
  const long = Math.ceil(Math.max(size.height, size.width) / padToPixels) * padToPixels
  const longPadded = Math.max(shortSidePixels, Math.min(long, longSidePixels))
  return size.height > size.width
    ? { height: longPadded, width: shortSidePixels }
    : { height: shortSidePixels, width: longPadded }
}

/** @param targetOf what the task learns about an image in this view */
export function keepAspect<A, T>(
  options: KeepAspectOptions,
  targetOf: (example: Omit<Decoded<A>, 'picture'>, view: View) => T,
): InputPipeline<A, T> {
  const sampleOf = ({ id, picture, annotation }: Decoded<A>, flip: boolean, seed: number): Sample<T> => {
    const { height, width } = picture
    const padded = paddedSize(picture, options)
    return {
      size: padded,
      target: targetOf({ id, annotation }, { size: { height, width }, padded, flip, seed }),
      draw: (into, offset) => drawPadded(picture, padded, flip, into, offset),
    }
  }
  return {
    maxEvaluationPixels: MAX_EVALUATION_PIXELS,
    decode: (bytes) => decodeStored(bytes, (stored) => fittedSize(stored, options), options.resizeFilter),
    train: (example, random) => [sampleOf(example, options.flip && random.next() < 0.5, random.int(SEEDS))],
    evaluate: (example) => [sampleOf(example, false, 0)],
  }
}

/** Padding is 0, a medium grey. */
function drawPadded(picture: Picture, padded: Size, flip: boolean, into: Float32Array, offset: number): void {
  const { rgb, height, width } = picture
  into.fill(0, offset, offset + padded.height * padded.width * CHANNELS)
  for (let row = 0; row < height; row++) {
    drawRow(rgb, row * width * CHANNELS, width, flip, into, offset + row * padded.width * CHANNELS)
  }
}
