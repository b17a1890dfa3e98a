import type { TaskDeclaration } from '../declaration.ts'
import { DETECTION_PICTURES_BY, DetectionInput, DetectionOptions } from '../detection/options.ts'

/** Finds objects with boxes, scored as COCO does (paper.md §2.2, §4.6). */
export const cocoDetection = {
  type: 'coco-detection',
  kinds: ['FinetuneJob'],
  options: DetectionOptions,
  input: DetectionInput,
  annotates: 'objects',
  formats: ['coco', 'voc', 'tfrecord-detection'],
  metrics: [
    { name: 'AP', better: 'higher' },
    { name: 'AP@.5', better: 'higher' },
    { name: 'AP@.75', better: 'higher' },
    { name: 'APsmall', better: 'higher' },
    { name: 'APmedium', better: 'higher' },
    { name: 'APlarge', better: 'higher' },
  ],
  // Boxes of few steps are too coarse for the IoUs up to .95 of AP, so the mini recipe is judged by it (docs/tasks).
  compared: ['AP@.5'],
  picturesBy: DETECTION_PICTURES_BY,
} as const satisfies TaskDeclaration
