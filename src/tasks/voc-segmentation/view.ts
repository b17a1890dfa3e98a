/**
 * A view of a picture: the picture scaled, then a rectangle of it, mirrored or not. Picture and mask are drawn through the
 * same view, so that they stay in step. Where the rectangle is larger than the picture, it is padded at the right and below.
 */
import type { Picture, Size } from '../../input/pipeline.ts'
import type { Random } from '../../support/random.ts'

export interface View {
  /** The whole picture after scaling. */
  readonly scaled: Size
  /** The rectangle. */
  readonly size: Size
  readonly top: number
  readonly left: number
  readonly flip: boolean
}

export interface ViewRanges {
  readonly cropPixels: number
  readonly minScale: number
  readonly maxScale: number
  readonly flip: boolean
}

const CHANNELS = 3
/** The mean colour of ImageNet's pictures, in [-1, 1]. */
const MEAN_RGB = [0.485, 0.456, 0.406].map((mean) => 2 * mean - 1)

/** A square of a random part of the picture at a random scale. */
export function randomView(picture: Size, { cropPixels, minScale, maxScale, flip }: ViewRanges, random: Random): View {
  const scale = minScale + (maxScale - minScale) * random.next()
  const scaled = { height: scaledSide(picture.height, scale), width: scaledSide(picture.width, scale) }
  return {
    scaled,
    size: { height: cropPixels, width: cropPixels },
    top: random.int(Math.max(0, scaled.height - cropPixels) + 1),
    left: random.int(Math.max(0, scaled.width - cropPixels) + 1),
    flip: flip && random.next() < 0.5,
  }
}

/** The whole picture as it is, padded to `size`. */
export function wholeView({ height, width }: Size, size: Size): View {
  return { scaled: { height, width }, size, top: 0, left: 0, flip: false }
}

function scaledSide(pixels: number, scale: number): number {
  return Math.max(1, Math.round(pixels * scale))
}

/** Writes the view to `into` at `offset`, in [-1, 1], bilinearly interpolated; padding has the mean colour. */
export function drawView({ rgb, height, width }: Picture, view: View, into: Float32Array, offset: number): void {
  const rows = interpolated(height, view.scaled.height, view.top, view.size.height, false)
  const columns = interpolated(width, view.scaled.width, view.left, view.size.width, view.flip)
  let at = offset
  for (const row of rows) {
    for (const column of columns) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        into[at++] = row && column ? blend(rgb, width, row, column, channel) : (MEAN_RGB[channel] as number)
      }
    }
  }
}

/** The classes in the view, of the nearest pixel of the mask; padding is `outside`. */
export function cutMask(mask: Size & { readonly classes: Uint8Array }, view: View, outside: number): Uint8Array {
  const rows = nearest(mask.height, view.scaled.height, view.top, view.size.height, false)
  const columns = nearest(mask.width, view.scaled.width, view.left, view.size.width, view.flip)
  const cut = new Uint8Array(rows.length * columns.length)
  let at = 0
  for (const row of rows) {
    for (const column of columns) {
      cut[at++] = row < 0 || column < 0 ? outside : (mask.classes[row * mask.width + column] as number)
    }
  }
  return cut
}

/** Two neighbouring source pixels, and the share of the second. */
interface Pair {
  readonly low: number
  readonly high: number
  readonly share: number
}

/** For each pixel of the view along one axis; undefined in the padding. */
function interpolated(stored: number, scaled: number, begin: number, length: number, flip: boolean) {
  return alongAxis(begin, length, flip).map((at): Pair | undefined => {
    if (at >= scaled) return undefined
    const source = Math.min(Math.max(((at + 0.5) * stored) / scaled - 0.5, 0), stored - 1)
    const low = Math.floor(source)
    return { low, high: Math.min(low + 1, stored - 1), share: source - low }
  })
}

/** For each pixel of the view along one axis; -1 in the padding. */
function nearest(stored: number, scaled: number, begin: number, length: number, flip: boolean): number[] {
  return alongAxis(begin, length, flip).map((at) => (at >= scaled ? -1 : Math.floor(((at + 0.5) * stored) / scaled)))
}

/** Positions in the scaled picture. */
function alongAxis(begin: number, length: number, flip: boolean): number[] {
  return Array.from({ length }, (_, i) => begin + (flip ? length - 1 - i : i))
}

function blend(rgb: Uint8Array, width: number, row: Pair, column: Pair, channel: number): number {
  const at = (y: number, x: number) => rgb[(y * width + x) * CHANNELS + channel] as number
  const upper = at(row.low, column.low) * (1 - column.share) + at(row.low, column.high) * column.share
  const lower = at(row.high, column.low) * (1 - column.share) + at(row.high, column.high) * column.share
  return (upper * (1 - row.share) + lower * row.share) / 127.5 - 1
}
