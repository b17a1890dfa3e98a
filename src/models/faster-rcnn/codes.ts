/**
 * Boxes as the network predicts them, relative to another box (paper.md §4.6):
 *   10·(y - yₐ)/hₐ, 10·(x - xₐ)/wₐ, 5·ln(h/hₐ), 5·ln(w/wₐ) of the centres y, x and the sizes h, w.
 */
import { type Boxes, heightOf, widthOf } from './boxes.ts'

const CENTRE_SCALE = 10
const SIZE_SCALE = 5
/** A side grows at most from 16 pixels to 1,000, so that wild predictions of an untrained network stay finite. */
const MAX_LOG_GROWTH = Math.log(1000 / 16)

/** Writes the code of box `i` relative to reference `j` at `at` of `into`. Both need a positive height and width. */
export function encodeBox(boxes: Boxes, i: number, references: Boxes, j: number, into: Float32Array, at: number): void {
  const [height, width] = [heightOf(references, j), widthOf(references, j)]
  const dy = (boxes[4 * i] as number) + heightOf(boxes, i) / 2 - (references[4 * j] as number) - height / 2
  const dx = (boxes[4 * i + 1] as number) + widthOf(boxes, i) / 2 - (references[4 * j + 1] as number) - width / 2
  into[at] = (CENTRE_SCALE * dy) / height
  into[at + 1] = (CENTRE_SCALE * dx) / width
  into[at + 2] = SIZE_SCALE * Math.log(heightOf(boxes, i) / height)
  into[at + 3] = SIZE_SCALE * Math.log(widthOf(boxes, i) / width)
}

/** Writes the box that the code at `codeAt` means relative to reference `j` as box `i` of `into`. */
export function decodeBox(
  codes: Float32Array,
  codeAt: number,
  references: Boxes,
  j: number,
  into: Boxes,
  i: number,
): void {
  const [height, width] = [heightOf(references, j), widthOf(references, j)]
  const y = (references[4 * j] as number) + height * (0.5 + (codes[codeAt] as number) / CENTRE_SCALE)
  const x = (references[4 * j + 1] as number) + width * (0.5 + (codes[codeAt + 1] as number) / CENTRE_SCALE)
  const halfHeight = (height * growth(codes[codeAt + 2] as number)) / 2
  const halfWidth = (width * growth(codes[codeAt + 3] as number)) / 2
  into[4 * i] = y - halfHeight
  into[4 * i + 1] = x - halfWidth
  into[4 * i + 2] = y + halfHeight
  into[4 * i + 3] = x + halfWidth
}

function growth(code: number): number {
  return Math.exp(Math.min(code / SIZE_SCALE, MAX_LOG_GROWTH))
}
