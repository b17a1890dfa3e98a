import { ClassOptions } from '../class-options.ts'
import type { TaskDeclaration } from '../declaration.ts'
import { SquareInput } from '../square-input.ts'

/** Any number of labels an image, closed under their ancestors: how the paper pre-trains (paper.md §1.9, §4.9). */
export const multiLabel = {
  type: 'multi-label',
  kinds: ['PretrainJob'],
  options: ClassOptions,
  input: SquareInput,
  annotates: 'classes',
  formats: ['tfrecord', 'imagenet-folder', 'webdataset'],
  metrics: [
    { name: 'mAP@100', better: 'higher' },
    { name: 'leafMAP@100', better: 'higher' },
    { name: 'weightedMAP@100', better: 'higher' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
