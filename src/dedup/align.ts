/**
 * Decides whether a pair of pictures is a copy. Hashes find the pair and the rectangle of one that the other may show;
 * this moves the edges of the rectangle until the pictures differ least (Gauss-Newton), and measures what still differs.
 */
import { differenceOf, drawGrid, mirrorGrid, type Scale, valuesOf } from './grid.ts'
import { type Planes, type Rectangle, WHOLE } from './planes.ts'
import { solve } from './solve.ts'

/** From coarse to fine: a fine pattern would attract the edges to a wrong place before the coarse one is aligned. */
const STAGES = [
  { cells: 12, blurs: 2, rounds: 4 },
  { cells: 16, blurs: 1, rounds: 3 },
  { cells: 24, blurs: 0, rounds: 3 },
] as const
const [COARSEST] = STAGES
/** Cells of the final comparison are at least this many pixels wide. */
const PIXELS_PER_CELL = 4
const FEWEST_CELLS = 5
const MOST_CELLS = 12
/** A pair that differs by more is no copy, before anything was moved and after the coarsest stage. */
const MOST_BEFORE = 0.95
const MOST_AFTER_COARSEST = 0.5
const EDGES = ['left', 'top', 'right', 'bottom'] as const
/** Edges move inwards by this share of the side, to measure how the grid changes. */
const PROBE = 0.01
const LONGEST_MOVE = 0.04
const SHORTEST_SIDE = 0.65
/** Keeps the solution small along edges that hardly change the grid. */
const DAMPING = { relative: 0.01, absolute: 1e-3 }

export interface Candidate {
  /** The picture that shows at least as much as the other. */
  readonly whole: Planes
  readonly part: Planes
  /** Where in `whole` the part may be. */
  readonly area: Rectangle
  readonly mirrored: boolean
}

const longest = Math.max(...STAGES.map(valuesOf))
const target = new Float64Array(longest)
const base = new Float64Array(longest)
const changes = EDGES.map(() => new Float64Array(longest))

/** @returns the remaining difference: 0 for equal pictures, about 1.4 for unrelated ones */
export function differenceAfterAlignment(pair: Candidate): number {
  const before = differenceAt(pair, pair.area, COARSEST)
  if (before > MOST_BEFORE) return before
  let area = pair.area
  for (const stage of STAGES) {
    drawTarget(pair, stage)
    for (let round = 0; round < stage.rounds; round++) area = moved(pair.whole, area, stage)
    const after = stage === COARSEST ? differenceAt(pair, area, stage) : 0
    if (after > MOST_AFTER_COARSEST) return after
  }
  const pixels = Math.min(pair.whole.resolution, pair.part.resolution)
  const cells = Math.max(FEWEST_CELLS, Math.min(MOST_CELLS, Math.round(pixels / PIXELS_PER_CELL)))
  return differenceAt(pair, area, { cells, blurs: 1 })
}

function differenceAt(pair: Candidate, area: Rectangle, scale: Scale): number {
  drawTarget(pair, scale)
  drawGrid(pair.whole, area, scale, base)
  return differenceOf(base, target, scale)
}

function drawTarget({ part, mirrored }: Candidate, scale: Scale): void {
  drawGrid(part, WHOLE, scale, target)
  if (mirrored) mirrorGrid(target, scale)
}

/** One step of Gauss-Newton. */
function moved(whole: Planes, area: Rectangle, scale: Scale): Rectangle {
  const count = valuesOf(scale)
  drawGrid(whole, area, scale, base)
  for (const [i, edge] of EDGES.entries()) {
    const change = changes[i] as Float64Array
    drawGrid(whole, { ...area, [edge]: area[edge] + inwards(i) * PROBE }, scale, change)
    for (let k = 0; k < count; k++) change[k] = (change[k] as number) - (base[k] as number)
  }
  for (let k = 0; k < count; k++) base[k] = (target[k] as number) - (base[k] as number)
  const steps = solve(normalEquations(count))
  const next = EDGES.map((edge, i) => {
    const move = inwards(i) * PROBE * (steps[i] as number)
    return Math.max(0, Math.min(1, area[edge] + Math.max(-LONGEST_MOVE, Math.min(LONGEST_MOVE, move))))
  })
  const [left, top, right, bottom] = next as [number, number, number, number]
  const isTooSmall = right - left < SHORTEST_SIDE || bottom - top < SHORTEST_SIDE
  return isTooSmall ? area : { left, top, right, bottom }
}

function inwards(edge: number): number {
  return edge < 2 ? 1 : -1
}

/** Rows of four factors and the right-hand side. */
function normalEquations(count: number): number[][] {
  return changes.map((change, i) => {
    const row = [...changes, base].map((other) => dot(change, other, count))
    row[i] = (row[i] as number) * (1 + DAMPING.relative) + DAMPING.absolute * count
    return row
  })
}

function dot(a: Float64Array, b: Float64Array, count: number): number {
  let sum = 0
  for (let k = 0; k < count; k++) sum += (a[k] as number) * (b[k] as number)
  return sum
}
