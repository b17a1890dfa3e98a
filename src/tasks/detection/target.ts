/** What a detector learns about a picture, and what its detections are compared with. */
import type { AnnotatedObject, ObjectAnnotation } from '../../data/annotations.ts'
import type { View } from '../../input/keep-aspect.ts'
import type { DetectorTarget } from '../../models/faster-rcnn/types.ts'

export interface DetectionTarget extends DetectorTarget {
  readonly truth: TrueObjects
}

/** All objects of a picture, in pixels of its file. */
export interface TrueObjects {
  readonly width: number
  readonly height: number
  /** Left, top, width and height of each. */
  readonly boxes: Float64Array
  readonly labels: Int32Array
  /** Square pixels. */
  readonly areas: Float64Array
  readonly crowds: Uint8Array
  readonly difficult: Uint8Array
}

/** Pixels of the network's input. The network cannot find what is smaller than its pixels. */
const MIN_SIDE = 1

/**
 * Scales, mirrors and cuts the boxes of a picture to the view of it. Objects of which less than a pixel remains in height or
 * width are left out of training; `truth` keeps them, because scores count all objects.
 */
export function detectionTarget(annotation: ObjectAnnotation, { size, padded, flip, seed }: View): DetectionTarget {
  const scale = { x: size.width / annotation.width, y: size.height / annotation.height }
  const placed = annotation.objects.map((object) => ({ object, box: boxInView(object, scale, size, flip) }))
  const visible = placed.filter(
    ({ box: [top, left, bottom, right] }) => bottom - top >= MIN_SIDE && right - left >= MIN_SIDE,
  )
  return {
    size,
    padded,
    boxes: Float32Array.from(visible.flatMap(({ box }) => box)),
    classes: Int32Array.from(visible, ({ object }) => object.label),
    ignored: Uint8Array.from(visible, ({ object: { crowd, difficult } }) => Number(crowd || difficult)),
    seed,
    truth: trueObjects(annotation),
  }
}

type Edges = readonly [top: number, left: number, bottom: number, right: number]

function boxInView(
  { box: [x, y, width, height] }: AnnotatedObject,
  scale: { x: number; y: number },
  size: View['size'],
  flip: boolean,
): Edges {
  const across = (value: number) => Math.min(Math.max(value * scale.x, 0), size.width)
  const down = (value: number) => Math.min(Math.max(value * scale.y, 0), size.height)
  const [left, right] = [across(x), across(x + width)]
  return flip
    ? [down(y), size.width - right, down(y + height), size.width - left]
    : [down(y), left, down(y + height), right]
}

function trueObjects({ width, height, objects }: ObjectAnnotation): TrueObjects {
  return {
    width,
    height,
    boxes: Float64Array.from(objects.flatMap(({ box }) => box)),
    labels: Int32Array.from(objects, ({ label }) => label),
    areas: Float64Array.from(objects, ({ area }) => area),
    crowds: Uint8Array.from(objects, ({ crowd }) => Number(crowd)),
    difficult: Uint8Array.from(objects, ({ difficult }) => Number(difficult)),
  }
}
