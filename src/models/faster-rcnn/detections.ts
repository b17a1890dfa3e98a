import { sizeOf } from '../../support/variables.ts'
import type { Values } from '../../tensor/values.ts'
import { areaOf, type Boxes, clipBoxes, pickBoxes } from './boxes.ts'
import { decodeBox } from './codes.ts'
import { bestFirst, suppress } from './suppress.ts'
import type { Detections, FasterRcnnOptions, Size } from './types.ts'

/** What the network says of the proposals of one image. */
export interface Judgement {
  readonly proposals: Boxes
  /** K + 1 for each proposal, the background first. */
  readonly logits: Float32Array
  /** K · 4 for each proposal. */
  readonly codes: Float32Array
  readonly size: Size
}

/** Takes the outputs of a batch apart. */
export function decodeDetections(
  { proposals_BP4, count_B, logits_BPC, codes_BPK4 }: Readonly<Record<string, Values>>,
  sizes: readonly Size[],
  options: Pick<FasterRcnnOptions, 'classes' | 'detections'>,
): Detections[] {
  return sizes.map((size, image) => {
    const count = count_B?.values[image] ?? 0
    const rows = (of: Values | undefined) => rowsOfImage(of as Values, image, count)
    return detect({ proposals: rows(proposals_BP4), logits: rows(logits_BPC), codes: rows(codes_BPK4), size }, options)
  })
}

/** The first `count` rows of an image. */
function rowsOfImage({ shape, values }: Values, image: number, count: number): Float32Array {
  const [, rows = 0, ...rest] = shape
  const width = sizeOf(rest)
  return values.subarray(image * rows * width, (image * rows + count) * width) as Float32Array
}

interface Candidates {
  readonly boxes: Boxes
  readonly scores: Float32Array
  readonly classes: Int32Array
}

/** Suppresses overlapping detections of the same class, and keeps the best of all classes. */
export function detect(
  judgement: Judgement,
  { classes, detections }: Pick<FasterRcnnOptions, 'classes' | 'detections'>,
): Detections {
  const probabilities = softmaxRows(judgement.logits, classes + 1)
  const found = joinCandidates(
    Array.from({ length: classes }, (_, label) => detectClass(judgement, probabilities, label, classes, detections)),
  )
  const best = bestFirst(found.scores, { keep: detections.total, least: Number.NEGATIVE_INFINITY })
  return {
    boxes: pickBoxes(found.boxes, best),
    scores: Float32Array.from(best, (i) => found.scores[i] as number),
    classes: Int32Array.from(best, (i) => found.classes[i] as number),
  }
}

function detectClass(
  { proposals, codes, size }: Judgement,
  probabilities: Float32Array,
  label: number,
  classes: number,
  { nmsIou, minScore, perClass }: FasterRcnnOptions['detections'],
): Candidates {
  const count = proposals.length / 4
  const scores = Float32Array.from({ length: count }, (_, i) => probabilities[i * (classes + 1) + label + 1] as number)
  const decoded = new Float32Array(4 * count)
  for (let i = 0; i < count; i++) decodeBox(codes, 4 * (i * classes + label), proposals, i, decoded, i)
  const boxes = clipBoxes(decoded, size)
  const order = bestFirst(scores, { keep: count, least: minScore }).filter((i) => areaOf(boxes, i) > 0)
  const kept = suppress(boxes, order, nmsIou, perClass)
  return {
    boxes: pickBoxes(boxes, kept),
    scores: Float32Array.from(kept, (i) => scores[i] as number),
    classes: new Int32Array(kept.length).fill(label),
  }
}

function joinCandidates(parts: readonly Candidates[]): Candidates {
  return {
    boxes: Float32Array.from(parts.flatMap(({ boxes }) => [...boxes])),
    scores: Float32Array.from(parts.flatMap(({ scores }) => [...scores])),
    classes: Int32Array.from(parts.flatMap(({ classes }) => [...classes])),
  }
}

function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const out = new Float32Array(logits.length)
  for (let at = 0; at < logits.length; at += width) {
    const row = logits.subarray(at, at + width)
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
    const powers = row.map((z) => Math.exp(z - largest))
    const sum = powers.reduce((a, b) => a + b, 0)
    out.set(
      powers.map((power) => power / sum),
      at,
    )
  }
  return out
}
