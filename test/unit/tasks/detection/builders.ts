/** Objects, targets and detections of pictures for tests of detection tasks. */
import type { AnnotatedObject, ObjectAnnotation } from '../../../../src/data/annotations.ts'
import type { Found } from '../../../../src/tasks/detection/found.ts'
import { type DetectionTarget, detectionTarget } from '../../../../src/tasks/detection/target.ts'

type Box = readonly [x: number, y: number, width: number, height: number]

export function object(box: Box, more: Partial<AnnotatedObject> = {}): AnnotatedObject {
  return { box, label: 0, crowd: false, difficult: false, area: box[2] * box[3], ...more }
}

/** The network sees the picture as it is. */
export function targetOf(objects: readonly AnnotatedObject[], width = 64, height = 64, seed = 1): DetectionTarget {
  const annotation: ObjectAnnotation = { width, height, objects }
  const size = { height, width }
  return detectionTarget(annotation, { size, padded: size, flip: false, seed })
}

/** The best score first. */
export function found(...detections: { box: Box; label?: number; score: number }[]): Found {
  const sorted = detections.toSorted((a, b) => b.score - a.score)
  return {
    boxes: Float64Array.from(sorted.flatMap(({ box }) => box)),
    labels: Int32Array.from(sorted, ({ label = 0 }) => label),
    scores: Float32Array.from(sorted, ({ score }) => score),
  }
}
