/** Where an object is in a picture of a mini world, in pixels, and the polygon of its edge. */
import type { Placement } from './paint.ts'
import { OUTLINES, type Shape } from './shapes.ts'

const GAP_PIXELS = 2

/** The middle of the object, and the pixels of one unit of its shape. `turn` is in radians. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly turn: number
}

/** Left, top, right, bottom. */
export type Bounds = readonly [left: number, top: number, right: number, bottom: number]
/** x, y, x, y, … as COCO stores polygons: the first pixel reaches from 0 to 1. */
export type Polygon = readonly number[]

/** The same place in the coordinates of a painter, whose -1 and 1 are the middles of the outermost pixels. */
export function placementOf({ x, y, radius, turn }: Place, size: number): Placement {
  const half = (size - 1) / 2
  return { left: (x - 0.5) / half - 1, top: (y - 0.5) / half - 1, scale: radius / half, turn }
}

/** The edge of an object, without what is beyond a picture of `size`·`size` pixels. Empty if all of it is beyond. */
export function outlineOf(shape: Shape, { x, y, radius, turn }: Place, size: number): Polygon {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  const points = OUTLINES[shape].map(([px, py]) => [
    x + radius * (px * cos - py * sin),
    y + radius * (px * sin + py * cos),
  ])
  return clipped(points.flat(), size)
}

/** @param polygons at least one that is not empty */
export function boundsOf(polygons: readonly Polygon[]): Bounds {
  const of = (axis: 0 | 1) => polygons.flatMap((points) => points.filter((_, i) => i % 2 === axis))
  const [xs, ys] = [of(0), of(1)]
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}

/** Whether the two are so far from each other that neither hides the other. */
export function areApart(a: Bounds, b: Bounds): boolean {
  const [gapX, gapY] = [Math.max(a[0] - b[2], b[0] - a[2]), Math.max(a[1] - b[3], b[1] - a[3])]
  return Math.max(gapX, gapY) >= GAP_PIXELS
}

/** The part of a polygon that is inside the picture: Sutherland and Hodgman's clipping, one side after another. */
export function clipped(polygon: Polygon, size: number): Polygon {
  const upper = [0, 1].reduce((points, axis) => clippedAt(points, axis, 1, size), polygon)
  return [0, 1].reduce((points, axis) => clippedAt(points, axis, -1, 0), upper).map(hundredth)
}

/** Keeps what is at or below `sign`·`limit`. */
function clippedAt(polygon: Polygon, axis: number, sign: 1 | -1, limit: number): Polygon {
  const count = polygon.length / 2
  const beyond = (i: number) => sign * ((polygon[2 * i + axis] as number) - limit)
  const kept: number[] = []
  for (let i = 0; i < count; i++) {
    const before = (i + count - 1) % count
    if (beyond(i) > 0 !== beyond(before) > 0) {
      const share = beyond(before) / (beyond(before) - beyond(i))
      for (const c of [0, 1]) {
        const [from, to] = [polygon[2 * before + c] as number, polygon[2 * i + c] as number]
        kept.push(c === axis ? limit : from + share * (to - from))
      }
    }
    if (beyond(i) <= 0) kept.push(polygon[2 * i] as number, polygon[2 * i + 1] as number)
  }
  return kept
}

/** Coordinates in files have two digits after the point, as in COCO. */
export function hundredth(value: number): number {
  return Math.round(value * 100) / 100
}
