import { z } from 'zod'
import { innerPath } from '../../contract/paths.ts'
import { Input } from '../../contract/training.ts'
import type { TaskDeclaration } from '../declaration.ts'
import { outputStride } from '../output-stride.ts'

const pixels = z.int().min(16).max(2048)
const factor = z.number().min(1).max(4)

/** The 17 keypoints of COCO of each person, as G-RMI finds them (paper.md §4.8). */
export const cocoPose = {
  type: 'coco-pose',
  kinds: ['FinetuneJob'],
  options: z.strictObject({
    outputStride,
    auxiliaryLoss: z
      .boolean()
      .default(false)
      .describe('Whether heatmaps of the block before the last are trained, too.'),
  }),
  input: z.strictObject({
    cropHeightPixels: pixels.describe('Height of the crop around a person: what the model sees.').default(353),
    cropWidthPixels: pixels.describe('Width of the crop around a person.').default(257),
    diskRadiusPixels: z
      .number()
      .min(1)
      .max(512)
      .describe('Radius of the disk around a keypoint in which its heatmap is 1, in pixels of the crop.')
      .default(25),
    cropScale: factor.describe('Scoring enlarges the box of a person by this factor before it crops.').default(1.25),
    minCropScale: factor.describe('Training draws a factor for each crop, from this one.').default(1),
    maxCropScale: factor.describe('Training draws a factor for each crop, to this one.').default(1.5),
    flip: Input.shape.flip.default(true),
    personBoxes: z
      .exactOptional(innerPath)
      .describe(
        'COCO results file of a detector, relative to the path of spec.evaluation.data: its boxes are scored. The boxes of the annotations when absent.',
      ),
    boxScores: z
      .enum(['ignored', 'multiplied'])
      .describe(
        'ignored: the score of a pose is the mean of its heatmaps, as in G-RMI. multiplied: times the score of its box in personBoxes.',
      )
      .default('ignored'),
  }),
  annotates: 'objects',
  formats: ['coco', 'tfrecord-detection'],
  picturesBy: 'the mean OKS of their poses',
  metrics: [
    { name: 'AP', better: 'higher' },
    { name: 'AP@.5', better: 'higher' },
    { name: 'AR', better: 'higher' },
    { name: 'meanOKS', better: 'higher' },
  ],
} as const satisfies TaskDeclaration
