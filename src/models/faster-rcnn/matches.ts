/** Which object each box should find, and which boxes the loss is computed on. */
import type { Random } from '../../support/random.ts'
import { areaOf, type Boxes, clipBoxes, heightOf, intersection, iou, pickBoxes, widthOf } from './boxes.ts'
import type { SamplingOptions, Size } from './types.ts'

/** What training knows of an image. */
export interface Truth {
  readonly boxes: Boxes
  /** 0 … K-1. */
  readonly classes: ArrayLike<number>
  /** Crowds and difficult objects. */
  readonly ignored: Boxes
}

/** In a list of matches: the box is background, or nothing should be learned from it. */
export const BACKGROUND = -1
export const UNUSED = -2

/** Pixels. Resizing may make objects of large pictures vanish. */
const MIN_SIDE = 1
/** A box is not background if an ignored object covers this share of it. */
const COVERED = 0.5

/** Cuts the objects to the picture, and leaves out those of which less than a pixel remains in height or width. */
export function readTruth(boxes: Boxes, classes: ArrayLike<number>, ignored: ArrayLike<number>, size: Size): Truth {
  const clipped = clipBoxes(boxes, size)
  const visible = Array.from(classes, (_, i) => i).filter(
    (i) => heightOf(clipped, i) >= MIN_SIDE && widthOf(clipped, i) >= MIN_SIDE,
  )
  const objects = visible.filter((i) => !ignored[i])
  return {
    boxes: pickBoxes(clipped, objects),
    classes: objects.map((i) => classes[i] as number),
    ignored: pickBoxes(
      clipped,
      visible.filter((i) => ignored[i]),
    ),
  }
}

/** @returns for each box the index of its object, BACKGROUND or UNUSED */
export function matchBoxes(boxes: Boxes, truth: Truth, options: SamplingOptions): Int32Array {
  const matches = new Int32Array(boxes.length / 4)
  const objects = truth.boxes.length / 4
  for (let i = 0; i < matches.length; i++) {
    let [best, bestIou] = [0, 0]
    for (let j = 0; j < objects; j++) {
      const overlap = iou(boxes, i, truth.boxes, j)
      if (overlap > bestIou) [best, bestIou] = [j, overlap]
    }
    if (bestIou >= options.positiveIou) matches[i] = best
    else matches[i] = bestIou < options.negativeIou && !isCovered(boxes, i, truth.ignored) ? BACKGROUND : UNUSED
  }
  return matches
}

function isCovered(boxes: Boxes, i: number, by: Boxes): boolean {
  for (let j = 0; j < by.length / 4; j++) {
    if (intersection(boxes, i, by, j) >= COVERED * areaOf(boxes, i)) return true
  }
  return false
}

/** Matches each object with the box that overlaps it most, whatever their IoU; of two objects the first gets the box. */
export function matchBest(matches: Int32Array, boxes: Boxes, truth: Truth): void {
  for (let j = truth.boxes.length / 4 - 1; j >= 0; j--) {
    let [best, bestIou] = [-1, 0]
    for (let i = 0; i < matches.length; i++) {
      const overlap = iou(boxes, i, truth.boxes, j)
      if (overlap > bestIou) [best, bestIou] = [i, overlap]
    }
    if (best >= 0) matches[best] = j
  }
}

/** @returns indices of the chosen boxes: positives first */
export function sampleMatches(matches: Int32Array, options: SamplingOptions, random: Random): number[] {
  const positives: number[] = []
  const negatives: number[] = []
  matches.forEach((match, i) => {
    if (match !== UNUSED) (match === BACKGROUND ? negatives : positives).push(i)
  })
  const chosen = choose(positives, Math.floor(options.batch * options.positiveShare), random)
  return [...chosen, ...choose(negatives, options.batch - chosen.length, random)]
}

/** The first steps of a Fisher-Yates shuffle. */
function choose(from: number[], count: number, random: Random): number[] {
  const chosen = Math.min(count, from.length)
  for (let i = 0; i < chosen; i++) {
    const other = i + random.int(from.length - i)
    const value = from[other] as number
    from[other] = from[i] as number
    from[i] = value
  }
  return from.slice(0, chosen)
}
