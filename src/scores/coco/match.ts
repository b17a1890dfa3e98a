/** Matches the detections of one image and category with its objects (pycocotools `evaluateImg`). */
import type { Detections, Truths } from './annotations.ts'
import type { AreaRange } from './parameters.ts'

/** One entry for each row of the detections; bit t belongs to threshold t. */
export interface Outcomes {
  readonly matched: Uint32Array
  /** The detection counts neither as right nor as wrong. */
  readonly ignored: Uint32Array
}

/** The objects and detections of one image and category. */
export interface Candidates {
  readonly truths: Truths
  readonly truthRows: Int32Array
  readonly detections: Detections
  /** The best score first. */
  readonly rows: Int32Array
  readonly similarities_DG: Float64Array
}

/** An object takes part if it is neither ignored nor outside of the range of areas. */
export function isCounted({ ignored, areas }: Truths, row: number, range: AreaRange): boolean {
  return ignored[row] === 0 && isInside(areas[row] as number, range)
}

function isInside(area: number, { min, max }: AreaRange): boolean {
  return area >= min && area <= max
}

/** Sets the outcomes of the candidates' rows, which must be 0. */
export function match(candidates: Candidates, range: AreaRange, thresholds: Float64Array, outcomes: Outcomes): void {
  const { truths, truthRows } = candidates
  if (truthRows.length > 0) {
    const counted = Uint8Array.from(truthRows, (row) => (isCounted(truths, row, range) ? 1 : 0))
    // Objects that count come first: the search ends at the first that does not, once it has found one that does.
    const order = [1, 0].flatMap((wanted) => [...counted.keys()].filter((g) => counted[g] === wanted))
    thresholds.forEach((threshold, t) => {
      matchAt(candidates, Math.min(threshold, 1 - 1e-10), 1 << t, { order, counted }, outcomes)
    })
  }
  ignoreUnmatchedOutside(candidates, range, outcomes)
}

interface Eligible {
  readonly order: readonly number[]
  readonly counted: Uint8Array
}

function matchAt(candidates: Candidates, threshold: number, bit: number, eligible: Eligible, outcomes: Outcomes): void {
  const { truths, truthRows, rows } = candidates
  const { matched, ignored } = outcomes
  const taken = new Uint8Array(truthRows.length)
  rows.forEach((row, d) => {
    const g = bestTruth(candidates, d, threshold, eligible, taken)
    if (g < 0) return
    taken[g] = 1
    if (eligible.counted[g] === 0) ignored[row] = (ignored[row] as number) | bit
    // pycocotools marks a match by the id of the object, so one with the id 0 reads as no match.
    if (truths.ids[truthRows[g] as number] !== 0) matched[row] = (matched[row] as number) | bit
  })
}

/** The free object of the highest similarity, the later one of equals; a crowd is always free. -1 if none reaches `threshold`. */
function bestTruth(
  { truths, truthRows, similarities_DG }: Candidates,
  d: number,
  threshold: number,
  { order, counted }: Eligible,
  taken: Uint8Array,
): number {
  let highest = threshold
  let best = -1
  for (const g of order) {
    if (taken[g] === 1 && truths.crowds[truthRows[g] as number] === 0) continue
    if (best >= 0 && counted[best] === 1 && counted[g] === 0) break
    const similarity = similarities_DG[d * truthRows.length + g] as number
    if (similarity < highest) continue
    highest = similarity
    best = g
  }
  return best
}

function ignoreUnmatchedOutside({ detections, rows }: Candidates, range: AreaRange, outcomes: Outcomes): void {
  const { matched, ignored } = outcomes
  for (const row of rows) {
    if (isInside(detections.areas[row] as number, range)) continue
    ignored[row] = (ignored[row] as number) | ~(matched[row] as number)
  }
}
