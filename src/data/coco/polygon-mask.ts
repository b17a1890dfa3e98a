/** Masks of polygons, the same to the pixel as those of pycocotools. */

/** pycocotools follows the boundary on a grid that is five times as fine. */
const SCALE = 5
/** In heights or widths of the picture. The boundary is kept in memory, so a coordinate of 10^12 must not be followed. */
const FAR = 10

interface Boundary {
  readonly u: number[]
  readonly v: number[]
}

/**
 * The mask of 0 and 1, row by row, of the pixels in at least one of the polygons [x, y, x, y, …].
 * @throws Error: a polygon that reaches far beyond the picture
 */
export function maskOfPolygons(polygons: readonly (readonly number[])[], height: number, width: number): Uint8Array {
  const mask = new Uint8Array(height * width)
  const most = FAR * Math.max(height, width)
  const wrong = polygons.flat().find((coordinate) => !(Math.abs(coordinate) <= most))
  if (wrong !== undefined)
    throw new Error(`a polygon has the coordinate ${wrong}, far beyond ${width}×${height} pixels`)
  for (const polygon of polygons) addPolygon(mask, polygon, height, width)
  return mask
}

/** A pixel is inside when the boundary was crossed an odd number of times on the way to it, down the columns. */
function addPolygon(mask: Uint8Array, polygon: readonly number[], height: number, width: number): void {
  const crossings = crossingsOf(boundaryOf(polygon), height, width)
  for (let i = 0; i < crossings.length; i += 2) {
    const end = crossings[i + 1] ?? height * width
    for (let at = crossings[i] as number; at < end; at++) mask[(at % height) * width + Math.floor(at / height)] = 1
  }
}

/** Points of the fine grid along the whole boundary. */
function boundaryOf(polygon: readonly number[]): Boundary {
  const points = polygon.length / 2
  const at = (i: number) => Math.trunc(SCALE * (polygon[i % polygon.length] as number) + 0.5)
  const boundary: Boundary = { u: [], v: [] }
  for (let i = 0; i < points; i++) addLine(boundary, at(2 * i), at(2 * i + 1), at(2 * i + 2), at(2 * i + 3))
  return boundary
}

/** From the end with the smaller coordinate, so that a line has the same points in both directions. */
function addLine({ u, v }: Boundary, fromX: number, fromY: number, toX: number, toY: number): void {
  const [dx, dy] = [Math.abs(toX - fromX), Math.abs(toY - fromY)]
  const isFlat = dx >= dy
  const isFlipped = isFlat ? fromX > toX : fromY > toY
  const [xs, ys, xe, ye] = isFlipped ? [toX, toY, fromX, fromY] : [fromX, fromY, toX, toY]
  const steps = isFlat ? dx : dy
  const slope = steps === 0 ? 0 : (isFlat ? ye - ys : xe - xs) / steps
  for (let step = 0; step <= steps; step++) {
    const t = isFlipped ? steps - step : step
    u.push(isFlat ? t + xs : Math.trunc(xs + slope * t + 0.5))
    v.push(isFlat ? Math.trunc(ys + slope * t + 0.5) : t + ys)
  }
}

/** Where the boundary crosses the middle of a column: indices of pixels, counted down the columns, ascending. */
function crossingsOf({ u, v }: Boundary, height: number, width: number): number[] {
  const crossings: number[] = []
  for (let j = 1; j < u.length; j++) {
    const [before, here] = [u[j - 1] as number, u[j] as number]
    if (before === here) continue
    const column = ((here < before ? here : here - 1) + 0.5) / SCALE - 0.5
    if (!Number.isInteger(column) || column < 0 || column > width - 1) continue
    const y = (Math.min(v[j - 1] as number, v[j] as number) + 0.5) / SCALE - 0.5
    crossings.push(column * height + Math.ceil(Math.min(Math.max(y, 0), height)))
  }
  return crossings.sort((a, b) => a - b)
}
