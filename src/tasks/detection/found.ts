/** Detections in pixels of the picture file, where they are scored, drawn and written. */
import type { Detections } from '../../models/faster-rcnn/types.ts'
import type { DetectionTarget } from './target.ts'

/** How many detections of an image COCO scores, and results files have. */
export const MOST_DETECTIONS = 100

/** The best score first. */
export interface Found {
  /** Left, top, width and height of each. */
  readonly boxes: Float64Array
  readonly labels: Int32Array
  /** Probabilities. */
  readonly scores: Float32Array
}

/** From pixels of the network's input. */
export function foundInFile(
  { boxes, classes, scores }: Detections,
  { size, truth }: Pick<DetectionTarget, 'size' | 'truth'>,
): Found {
  const [across, down] = [truth.width / size.width, truth.height / size.height]
  const inFile = new Float64Array(boxes.length)
  for (let at = 0; at < boxes.length; at += 4) {
    const [top, left, bottom, right] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number]
    inFile.set([left * across, top * down, (right - left) * across, (bottom - top) * down], at)
  }
  return { boxes: inFile, labels: classes, scores }
}
