import type { Boxes } from './boxes.ts'
import type { AnchorOptions, Size } from './types.ts'

/** The pixels of a feature with that stride. */
export function gridOf({ height, width }: Size, stride: number): Size {
  return { height: Math.ceil(height / stride), width: Math.ceil(width / stride) }
}

export function anchorsPerCell({ scales, ratios }: AnchorOptions): number {
  return scales.length * ratios.length
}

/**
 * Anchors of every feature pixel, row by row, and in a cell all scales of a ratio before the next ratio (paper.md §4.6).
 * They are centred at stride · (row, column).
 */
export function anchorBoxes(options: AnchorOptions, grid: Size, stride: number): Boxes {
  const shapes = anchorShapes(options)
  const boxes = new Float32Array(4 * grid.height * grid.width * shapes.length)
  let at = 0
  for (let row = 0; row < grid.height; row++)
    for (let column = 0; column < grid.width; column++)
      for (const { height, width } of shapes) {
        const [y, x] = [row * stride, column * stride]
        boxes.set([y - height / 2, x - width / 2, y + height / 2, x + width / 2], at)
        at += 4
      }
  return boxes
}

export function anchorShapes({ base, scales, ratios }: AnchorOptions): Size[] {
  return ratios.flatMap((ratio) =>
    scales.map((scale) => ({
      height: (base * scale) / Math.sqrt(ratio),
      width: base * scale * Math.sqrt(ratio),
    })),
  )
}
