import { ClassOptions } from '../class-options.ts'
import type { TaskDeclaration } from '../declaration.ts'

/** One class an image. */
export const imagenetClassification = {
  type: 'imagenet-classification',
  options: ClassOptions,
  metrics: [
    { name: 'top1', better: 'higher' },
    { name: 'top5', better: 'higher' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
