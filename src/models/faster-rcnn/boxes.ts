/** Arithmetic of boxes: n × 4 values each, top, left, bottom, right. A box whose edges cross has no area. */
import type { Size } from './types.ts'

export type Boxes = Float32Array

export function heightOf(boxes: Boxes, i: number): number {
  return (boxes[4 * i + 2] as number) - (boxes[4 * i] as number)
}

export function widthOf(boxes: Boxes, i: number): number {
  return (boxes[4 * i + 3] as number) - (boxes[4 * i + 1] as number)
}

export function areaOf(boxes: Boxes, i: number): number {
  return Math.max(0, heightOf(boxes, i)) * Math.max(0, widthOf(boxes, i))
}

export function intersection(a: Boxes, i: number, b: Boxes, j: number): number {
  const height =
    Math.min(a[4 * i + 2] as number, b[4 * j + 2] as number) - Math.max(a[4 * i] as number, b[4 * j] as number)
  if (!(height > 0)) return 0
  const width =
    Math.min(a[4 * i + 3] as number, b[4 * j + 3] as number) - Math.max(a[4 * i + 1] as number, b[4 * j + 1] as number)
  return width > 0 ? height * width : 0
}

/** Intersection over union; 0 if both are empty. */
export function iou(a: Boxes, i: number, b: Boxes, j: number): number {
  const common = intersection(a, i, b, j)
  return common > 0 ? common / (areaOf(a, i) + areaOf(b, j) - common) : 0
}

/** Cuts boxes to a picture. Boxes outside of it lose their area. */
export function clipBoxes(boxes: Boxes, { height, width }: Size): Boxes {
  return boxes.map((edge, i) => Math.min(Math.max(edge, 0), i % 2 === 0 ? height : width))
}

/** Copies some of the boxes. */
export function pickBoxes(boxes: Boxes, indices: ArrayLike<number>): Boxes {
  const picked = new Float32Array(4 * indices.length)
  for (let i = 0; i < indices.length; i++) {
    const from = 4 * (indices[i] as number)
    picked.set(boxes.subarray(from, from + 4), 4 * i)
  }
  return picked
}
