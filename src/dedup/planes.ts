/** A picture as three small planes of brightness and colour, from which averages over any rectangle are computed. */

/** A rectangle of a picture as shares of its width and height, so that it does not depend on the size of the picture. */
export interface Rectangle {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export const WHOLE: Rectangle = { left: 0, top: 0, right: 1, bottom: 1 }

/** Sums of all values above and left of each corner of a cell: (side + 1)² of them, row by row. */
interface Plane {
  readonly side: number
  /** Whole numbers below 2^24, which 32 bits hold exactly. */
  readonly sums: Float32Array
}

export interface Planes {
  /** Brightness, and the two colour differences of JPEG. */
  readonly channels: readonly [brightness: Plane, blue: Plane, red: Plane]
  /** Pixels of the shorter side of the picture: nothing smaller can be compared. */
  readonly resolution: number
}

/** What is kept of a picture of the test set: bytes, because it is kept for all of them. */
export interface Thumbnail {
  readonly bytes: Uint8Array
  readonly resolution: number
}

/** Cells of a side. Brightness has more of them than colour, as in JPEG. */
export const SIDE = 48
const COLOUR_SIDE = SIDE / 2
const CELLS = SIDE * SIDE
const COLOUR_CELLS = COLOUR_SIDE * COLOUR_SIDE

/** @param rgb SIDE · SIDE · 3 bytes. @returns the three planes, one after the other */
export function thumbnailOf(rgb: Uint8Array, resolution: number): Thumbnail {
  const bytes = new Uint8ClampedArray(CELLS + 2 * COLOUR_CELLS)
  const colours = [new Float64Array(COLOUR_CELLS), new Float64Array(COLOUR_CELLS)] as const
  for (let cell = 0; cell < CELLS; cell++) {
    const [r, g, b] = [rgb[cell * 3] as number, rgb[cell * 3 + 1] as number, rgb[cell * 3 + 2] as number]
    bytes[cell] = 0.299 * r + 0.587 * g + 0.114 * b
    const at = (Math.floor(cell / SIDE) >> 1) * COLOUR_SIDE + ((cell % SIDE) >> 1)
    colours[0][at] = (colours[0][at] as number) + (128 - 0.168736 * r - 0.331264 * g + 0.5 * b) / 4
    colours[1][at] = (colours[1][at] as number) + (128 + 0.5 * r - 0.418688 * g - 0.081312 * b) / 4
  }
  bytes.set(colours[0], CELLS)
  bytes.set(colours[1], CELLS + COLOUR_CELLS)
  return { bytes: new Uint8Array(bytes.buffer), resolution }
}

export function planesOf({ bytes, resolution }: Thumbnail): Planes {
  const plane = (side: number, from: number) => ({ side, sums: sumsOf(bytes, side, from) })
  const blue = plane(COLOUR_SIDE, CELLS)
  return { channels: [plane(SIDE, 0), blue, plane(COLOUR_SIDE, CELLS + COLOUR_CELLS)], resolution }
}

function sumsOf(values: Uint8Array, side: number, from: number): Float32Array {
  const stride = side + 1
  const sums = new Float32Array(stride * stride)
  for (let y = 0; y < side; y++) {
    let row = 0
    for (let x = 0; x < side; x++) {
      row += values[from + y * side + x] as number
      sums[(y + 1) * stride + x + 1] = (sums[y * stride + x + 1] as number) + row
    }
  }
  return sums
}

/** Scratch memory of `averages`: the sums along two lines of a grid. */
const lines = [new Float64Array(SIDE + 2), new Float64Array(SIDE + 2)] as const

/**
 * Divides the rectangle into grid² equal cells and writes the average of each to `into`, row by row. Cells need not
 * coincide with those of the plane: a cell that is only partly covered counts by the covered share.
 */
export function averages({ side, sums }: Plane, area: Rectangle, grid: number, into: Float64Array, offset = 0): void {
  const [width, height] = [area.right - area.left, area.bottom - area.top]
  const scale = (grid * grid) / (width * height * side * side)
  let [above, below] = lines
  sumsAlong(sums, side, area, area.top * side, grid, above)
  for (let row = 0; row < grid; row++) {
    sumsAlong(sums, side, area, (area.top + (height * (row + 1)) / grid) * side, grid, below)
    for (let column = 0; column < grid; column++) {
      const right = (below[column + 1] as number) - (above[column + 1] as number)
      into[offset + row * grid + column] = (right - (below[column] as number) + (above[column] as number)) * scale
    }
    ;[above, below] = [below, above]
  }
}

/** The sum above and left of each of the grid + 1 points of a line, interpolated between corners of cells. */
function sumsAlong(
  sums: Float32Array,
  side: number,
  area: Rectangle,
  y: number,
  grid: number,
  into: Float64Array,
): void {
  const stride = side + 1
  const row = Math.min(side - 1, Math.max(0, Math.floor(y)))
  const share = y - row
  const step = ((area.right - area.left) * side) / grid
  for (let i = 0; i <= grid; i++) {
    const x = area.left * side + i * step
    const column = Math.min(side - 1, Math.max(0, Math.floor(x)))
    const at = row * stride + column
    const across = x - column
    const first = (sums[at] as number) * (1 - across) + (sums[at + 1] as number) * across
    const second = (sums[at + stride] as number) * (1 - across) + (sums[at + stride + 1] as number) * across
    into[i] = first * (1 - share) + second * share
  }
}
