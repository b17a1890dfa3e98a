/** The rectangles of a picture that a cropped copy of it may show. */
import type { Rectangle } from './planes.ts'

/** Distance of two windows, as a share of the side. The edge of a crop is at most half of it from that of a window. */
const STEP = 0.08
const MOST_STEPS = 3
/** A crop to less of the area is not searched for. */
const LEAST_AREA = 0.7

/** Ranges of one side that remain when 0 to 3 steps are cut off, in every distribution over its two ends. */
const ranges = Array.from({ length: MOST_STEPS + 1 }, (_, cut) =>
  Array.from({ length: cut + 1 }, (_, first) => [first * STEP, 1 - (cut - first) * STEP] as const),
).flat()

/** The whole picture is not among them. */
export const WINDOWS: readonly Rectangle[] = ranges
  .flatMap(([left, right]) => ranges.map(([top, bottom]) => ({ left, right, top, bottom })))
  .filter(({ left, right, top, bottom }) => {
    const area = (right - left) * (bottom - top)
    return area >= LEAST_AREA && area < 1
  })
