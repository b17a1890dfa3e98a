import type { AnnotatedObject, ObjectAnnotation } from '../annotations.ts'
import { type Counts, NOTHING } from './counts.ts'

interface KeptObjects {
  readonly annotation: ObjectAnnotation
  readonly counts: Counts
}

/**
 * Leaves out what the converter of the TensorFlow Object Detection API leaves out: boxes without a width or height, and
 * boxes that reach beyond the picture (paper.md §5). Nothing is clipped.
 */
export function keptObjects(annotation: ObjectAnnotation, hasMasks: boolean): KeptObjects {
  const { objects } = annotation
  const withArea = objects.filter(({ box }) => box[2] > 0 && box[3] > 0)
  const kept = withArea.filter((object) => isInside(object, annotation))
  const withMask = kept.filter(({ segmentation }) => segmentation).length
  return {
    annotation: { ...annotation, objects: kept },
    counts: {
      ...NOTHING,
      objects: kept.length,
      crowds: kept.filter(({ crowd }) => crowd).length,
      withKeypoints: kept.filter(({ keypoints }) => keypoints?.some((value, i) => i % 3 === 2 && value > 0)).length,
      withMask: hasMasks ? withMask : 0,
      masksLeftOut: hasMasks ? 0 : withMask,
      withoutArea: objects.length - withArea.length,
      outside: withArea.length - kept.length,
    },
  }
}

function isInside({ box: [x, y, w, h] }: AnnotatedObject, { width, height }: ObjectAnnotation): boolean {
  return x >= 0 && y >= 0 && x + w <= width && y + h <= height
}
