import { z } from 'zod'
import type { TaskDeclaration } from '../declaration.ts'
import { SquareInput } from '../square-input.ts'

/** How many objects an image shows. The example of "Write a task" in CONTRIBUTING.md. */
export const objectCount = {
  type: 'object-count',
  kinds: ['PretrainJob', 'FinetuneJob'],
  options: z.strictObject({}),
  input: SquareInput,
  annotates: 'classes',
  formats: ['tfrecord'],
  metrics: [
    { name: 'meanAbsoluteError', better: 'lower' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
