/**
 * The shapes of the mini worlds, in coordinates of an object: its middle is 0, 0, and each shape is within REACH of it.
 */
type Point = readonly [x: number, y: number]

/** Distance of the corners of the triangle, which reach farthest. */
export const REACH = 1.11

/** Whether a point is inside the shape. r and a are its polar form. */
const INSIDE = {
  disc: (_x, _y, r) => r < 0.9,
  ring: (_x, _y, r) => r < 0.95 && r > 0.5,
  crescent: (x, y, r) => r < 0.95 && Math.hypot(x - 0.45, y) > 0.75,
  triangle: (_x, _y, r, a) => polygon(3, r, a) < 0.55,
  square: (x, y) => Math.abs(x) < 0.75 && Math.abs(y) < 0.75,
  pentagon: (_x, _y, r, a) => polygon(5, r, a) < 0.75,
  cross: (x, y) => (Math.abs(x) < 0.28 && Math.abs(y) < 0.95) || (Math.abs(y) < 0.28 && Math.abs(x) < 0.95),
  star: (_x, _y, r, a) => r < starRadius(a),
  gear: (_x, _y, r, a) => r < (Math.cos(8 * a) > 0 ? 0.95 : 0.68) && r > 0.25,
} satisfies Readonly<Record<string, (x: number, y: number, r: number, a: number) => boolean>>

export type Shape = keyof typeof INSIDE

/** The corners of each shape. Holes are filled, as in the polygons of COCO. */
export const OUTLINES: Readonly<Record<Shape, readonly Point[]>> = {
  disc: arc(0, 0.9, 0, 2 * Math.PI, 32),
  ring: arc(0, 0.95, 0, 2 * Math.PI, 32),
  crescent: crescent(),
  triangle: corners(3, 0.55),
  square: corners(4, 0.75).map(([x, y]) => turned(x, y, Math.PI / 4)),
  pentagon: corners(5, 0.75),
  cross: cross(0.28, 0.95),
  star: Array.from({ length: 60 }, (_, i) => (2 * Math.PI * i) / 60).map((a) => polar(starRadius(a), a)),
  gear: Array.from({ length: 16 }, (_, i) => tooth(i)).flat(),
}

export function isInside(shape: Shape, x: number, y: number): boolean {
  return INSIDE[shape](x, y, Math.hypot(x, y), Math.atan2(y, x))
}

function polygon(sides: number, r: number, a: number): number {
  const wedge = (2 * Math.PI) / sides
  return r * Math.cos((((a % wedge) + wedge) % wedge) - wedge / 2)
}

function starRadius(a: number): number {
  return 0.45 + 0.5 * Math.abs(Math.cos(2.5 * a)) ** 2
}

function polar(r: number, a: number): Point {
  return [r * Math.cos(a), r * Math.sin(a)]
}

function turned(x: number, y: number, a: number): Point {
  return [x * Math.cos(a) - y * Math.sin(a), x * Math.sin(a) + y * Math.cos(a)]
}

/** Points of a circle around (middle, 0), from one angle to another. */
function arc(middle: number, r: number, from: number, to: number, steps: number): Point[] {
  return Array.from({ length: steps }, (_, i) => {
    const [x, y] = polar(r, from + ((to - from) * i) / steps)
    return [middle + x, y]
  })
}

/** Of a regular polygon whose edges are `inner` away from its middle. */
function corners(sides: number, inner: number): Point[] {
  return Array.from({ length: sides }, (_, i) => polar(inner / Math.cos(Math.PI / sides), (2 * Math.PI * i) / sides))
}

/** A disc of radius 0.95 without a disc of radius 0.75 around (0.45, 0). */
function crescent(): Point[] {
  const x = (0.95 ** 2 - 0.75 ** 2 + 0.45 ** 2) / (2 * 0.45)
  const y = Math.sqrt(0.95 ** 2 - x ** 2)
  const [outer, inner] = [Math.atan2(y, x), Math.atan2(y, x - 0.45)]
  return [...arc(0, 0.95, outer, 2 * Math.PI - outer, 24), ...arc(0.45, 0.75, 2 * Math.PI - inner, inner, 16)]
}

function cross(half: number, reach: number): Point[] {
  const arm: Point[] = [
    [half, half],
    [half, reach],
    [-half, reach],
  ]
  return [0, 1, 2, 3].flatMap((quarter) => arm.map(([x, y]) => turned(x, y, (quarter * Math.PI) / 2)))
}

/** One tooth or gap of the gear: a sixteenth of its edge. */
function tooth(i: number): Point[] {
  const [r, middle, half] = [i % 2 === 0 ? 0.95 : 0.68, (i * Math.PI) / 8, Math.PI / 16]
  return [middle - half, middle, middle + half].map((a) => polar(r, a))
}
