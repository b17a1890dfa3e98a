import type { TaskDeclaration } from '../declaration.ts'
import { DETECTION_PICTURES_BY, DetectionInput, DetectionOptions } from '../detection/options.ts'

/** Finds objects with boxes, scored as PASCAL VOC does (paper.md §2.3, §4.6). */
export const vocDetection = {
  type: 'voc-detection',
  kinds: ['FinetuneJob'],
  options: DetectionOptions,
  input: DetectionInput,
  annotates: 'objects',
  formats: ['voc', 'coco', 'tfrecord-detection'],
  picturesBy: DETECTION_PICTURES_BY,
  metrics: [
    { name: 'mAP@.5', better: 'higher' },
    { name: 'mAP07@.5', better: 'higher' },
  ],
} as const satisfies TaskDeclaration
