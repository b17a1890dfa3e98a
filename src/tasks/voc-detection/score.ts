import type { VocDetection, VocObject } from '../../scores/voc.ts'
import { vocScores } from '../../scores/voc-classes.ts'
import type { Found } from '../detection/found.ts'
import { mustHaveObjects } from '../detection/must-have-objects.ts'
import type { DetectionTarget, TrueObjects } from '../detection/target.ts'
import type { Scorer } from '../task.ts'

type Named<T> = T & { readonly name: string }

/**
 * VOC's mAP at an IoU above .5, as the area under the curve (VOC2010 and later) and by eleven points (VOC2007). Difficult
 * objects are ignored, and so are crowds, where a data set has them.
 */
export function createScorer(): Scorer<DetectionTarget, Found> {
  const objects: Named<VocObject>[] = []
  const detections: Named<VocDetection>[] = []
  let images = 0
  return {
    add(predictions, targets) {
      targets.forEach(({ truth }, i) => {
        const image = String(images++)
        for (const object of objectsOf(truth, image)) objects.push(object)
        for (const detection of detectionsOf(predictions[i] as Found, image)) detections.push(detection)
      })
    },
    result() {
      mustHaveObjects(
        objects.some(({ difficult }) => !difficult),
        images,
      )
      const [area, points] = [vocScores(objects, detections, 'area'), vocScores(objects, detections, '11-point')]
      return { 'mAP@.5': area.mAP, 'mAP07@.5': points.mAP }
    },
  }
}

function objectsOf({ boxes, labels, crowds, difficult }: TrueObjects, image: string): Named<VocObject>[] {
  return Array.from(labels, (label, i) => ({
    name: String(label),
    image,
    box: vocBox(boxes, i),
    difficult: difficult[i] === 1 || crowds[i] === 1,
  }))
}

function detectionsOf({ boxes, labels, scores }: Found, image: string): Named<VocDetection>[] {
  return Array.from(scores, (score, i) => ({ name: String(labels[i]), image, box: vocBox(boxes, i), score }))
}

/** VOC counts pixels from 1, and its boxes include their last pixel. */
function vocBox(boxes: Float64Array, i: number): VocObject['box'] {
  const [x, y, width, height] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
  return [x + 1, y + 1, x + width, y + height]
}
