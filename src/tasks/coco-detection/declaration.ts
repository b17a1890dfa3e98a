import type { TaskDeclaration } from '../declaration.ts'
import { DetectionInput, DetectionOptions } from '../detection/options.ts'

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
} as const satisfies TaskDeclaration
