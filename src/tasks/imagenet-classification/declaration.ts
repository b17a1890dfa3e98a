import { ClassOptions } from '../class-options.ts'
import type { TaskDeclaration } from '../declaration.ts'
import { SquareInput } from '../square-input.ts'

/** One class an image. */
export const imagenetClassification = {
  type: 'imagenet-classification',
  kinds: ['PretrainJob', 'FinetuneJob'],
  options: ClassOptions,
  input: SquareInput,
  annotates: 'classes',
  formats: ['tfrecord', 'imagenet-folder', 'webdataset'],
  picturesBy: 'the probability of their true class',
  metrics: [
    { name: 'top1', better: 'higher' },
    { name: 'top5', better: 'higher' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
