/** Non-maximum suppression and the order that it needs, over plain arrays. */
import { type Boxes, iou } from './boxes.ts'

/** The largest number of scores: score and index fit into the 53 bits of a key. */
const INDICES = 2 ** 21

/**
 * @returns at most `keep` indices in descending order of the scores; equal scores go by the lower index. Scores that are
 *   not above `least` are left out, and so is NaN
 * @throws RangeError for more than two million scores
 */
export function bestFirst(scores: Float32Array, { keep, least }: { keep: number; least: number }): number[] {
  if (scores.length > INDICES) throw new RangeError(`${scores.length} scores: expected at most ${INDICES}`)
  // Numbers that contain score and index sort much faster than indices by a comparator.
  const bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length)
  const keys = new Float64Array(scores.length)
  let count = 0
  for (let i = 0; i < scores.length; i++) {
    if ((scores[i] as number) > least) keys[count++] = i - scoreOrder(bits[i] as number) * INDICES
  }
  return Array.from(keys.subarray(0, count).sort().subarray(0, keep), indexOf)
}

/** Bits of a float as an integer of the same order: negative floats grow with their bits the other way. */
function scoreOrder(bits: number): number {
  return bits >= 0 ? bits : -(bits & 0x7fffffff)
}

function indexOf(key: number): number {
  return ((key % INDICES) + INDICES) % INDICES
}

/**
 * Goes through the boxes from the best to the worst and keeps each whose IoU with every kept one is at most `maxIou`.
 * @param order indices into boxes, best first
 * @param count ends when that many are kept
 */
export function suppress(boxes: Boxes, order: readonly number[], maxIou: number, count: number): number[] {
  const kept: number[] = []
  for (const i of order) {
    if (kept.length >= count) break
    if (!overlapsAny(boxes, i, kept, maxIou)) kept.push(i)
  }
  return kept
}

function overlapsAny(boxes: Boxes, i: number, others: readonly number[], maxIou: number): boolean {
  for (const j of others) if (iou(boxes, i, boxes, j) > maxIou) return true
  return false
}
