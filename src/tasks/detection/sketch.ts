/** A picture's objects and detections for the report, and how good the detections are. */
import type { SketchedObject, Sketches } from '../../contract/sketch.ts'
import type { Found } from './found.ts'
import type { DetectionTarget, TrueObjects } from './target.ts'

/** Detections below it are not drawn. */
const MIN_SCORE = 0.5
const MIN_IOU = 0.5

type Box = readonly [x: number, y: number, width: number, height: number]

/**
 * The score is the F1 measure at an IoU of .5: 2 · hits / (objects + detections). Crowds and difficult objects do not count,
 * and neither do detections of them; a picture without others is not ranked.
 */
export function sketchOf(found: Found, { truth }: Pick<DetectionTarget, 'truth'>): Sketches {
  const objects = objectsOf(truth)
  const detections = detectionsOf(found)
  return {
    score: f1(objects, detections),
    truth: { type: 'objects', objects },
    prediction: { type: 'objects', objects: detections },
  }
}

function objectsOf({ boxes, labels, crowds, difficult }: TrueObjects): SketchedObject[] {
  return Array.from(labels, (label, i) => ({
    label,
    box: boxAt(boxes, i),
    ...(crowds[i] ? { crowd: true } : {}),
    ...(difficult[i] ? { difficult: true } : {}),
  }))
}

function detectionsOf({ boxes, labels, scores }: Found): SketchedObject[] {
  const shown = scores.findIndex((score) => score < MIN_SCORE)
  return Array.from({ length: shown < 0 ? scores.length : shown }, (_, i) => ({
    label: labels[i] as number,
    box: boxAt(boxes, i),
    score: scores[i] as number,
  }))
}

function boxAt(boxes: Float64Array, i: number): Box {
  return Array.from(boxes.subarray(4 * i, 4 * i + 4)) as unknown as Box
}

function f1(objects: readonly SketchedObject[], detections: readonly SketchedObject[]): number | undefined {
  const counted = objects.filter(({ crowd, difficult }) => !crowd && !difficult)
  if (counted.length === 0) return undefined
  const free = new Set(counted)
  const ignorable = objects.filter((one) => !free.has(one))
  let [hits, others] = [0, 0]
  for (const detection of detections) {
    const hit = [...free].find((object) => isSame(object, detection))
    if (hit) {
      free.delete(hit)
      hits++
    } else if (!ignorable.some((object) => isSame(object, detection))) others++
  }
  return (2 * hits) / (counted.length + hits + others)
}

function isSame(object: SketchedObject, detection: SketchedObject): boolean {
  return object.label === detection.label && overlap(object, detection) >= MIN_IOU
}

/** Intersection over union; with a crowd, over the detection's own area. */
function overlap({ box: a, crowd }: SketchedObject, { box: b }: SketchedObject): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  if (!(width > 0 && height > 0)) return 0
  const [common, own] = [width * height, b[2] * b[3]]
  return common / (crowd ? own : a[2] * a[3] + own - common)
}
