import { areaOf, type Boxes, clipBoxes, pickBoxes } from './boxes.ts'
import { decodeBox } from './codes.ts'
import { bestFirst, suppress } from './suppress.ts'
import type { FasterRcnnOptions, Size } from './types.ts'

/**
 * The boxes of one image that the second stage looks at, best first: the best anchors, moved by their codes and cut to
 * the picture, without those that overlap a better one.
 * @param logits background and object of each anchor
 * @param codes 4 for each anchor
 */
export function proposeBoxes(
  anchors: Boxes,
  { logits, codes, size }: { logits: Float32Array; codes: Float32Array; size: Size },
  { candidates, nmsIou, count }: FasterRcnnOptions['proposals'],
): Boxes {
  const scores = Float32Array.from({ length: anchors.length / 4 }, (_, i) => margin(logits, i))
  const order = bestFirst(scores, { keep: candidates, least: Number.NEGATIVE_INFINITY })
  const decoded = new Float32Array(4 * order.length)
  order.forEach((anchor, i) => {
    decodeBox(codes, 4 * anchor, anchors, anchor, decoded, i)
  })
  const boxes = clipBoxes(decoded, size)
  const visible = order.map((_, i) => i).filter((i) => areaOf(boxes, i) > 0)
  return pickBoxes(boxes, suppress(boxes, visible, nmsIou, count))
}

/** The object's logit above the background's orders anchors as its probability does. */
function margin(logits: Float32Array, i: number): number {
  return (logits[2 * i + 1] as number) - (logits[2 * i] as number)
}
