import { z } from 'zod'
import { innerPath } from '../../contract/paths.ts'
import { Input } from '../../contract/training.ts'
import type { TaskDeclaration } from '../declaration.ts'

const pixels = z.int().min(16).max(2048)
const enlargement = z.number().min(1).max(4)

/** The 17 keypoints of COCO of each person, as G-RMI finds them (paper.md §4.8). */
export const cocoPose = {
  type: 'coco-pose',
  kinds: ['FinetuneJob'],
  options: z.strictObject({
    outputStride: z
      .literal([4, 8, 16, 32])
      .default(8)
      .describe('Pixels of the crop for each cell of the maps. Strides of the backbone beyond it become dilations.'),
    auxiliaryLoss: z
      .boolean()
      .default(false)
      .describe('Whether heatmaps of the third block are trained, too. False when absent.'),
  }),
  input: z.strictObject({
    cropHeightPixels: pixels
      .default(353)
      .describe('Height in pixels of the crop around a person: what the model sees.'),
    cropWidthPixels: pixels.default(257).describe('Width in pixels of the crop around a person.'),
    diskRadiusPixels: z
      .number()
      .min(1)
      .max(512)
      .default(25)
      .describe('Radius in pixels of the crop of the disk around a keypoint in which its heatmap is 1.'),
    cropScale: enlargement
      .default(1.25)
      .describe('The box of a person is enlarged by this factor before it is cropped for scoring.'),
    minCropScale: enlargement.default(1).describe('Smallest factor of training, which draws a factor for each crop.'),
    maxCropScale: enlargement.default(1.5).describe('Largest factor of training.'),
    flip: Input.shape.flip.default(true),
    personBoxes: z
      .exactOptional(innerPath)
      .describe(
        'COCO results file of a detector, relative to the path of spec.evaluation.data: its boxes are scored. The boxes of the annotations when absent.',
      ),
    boxScores: z
      .enum(['ignored', 'multiplied'])
      .default('ignored')
      .describe(
        'Score of a pose. ignored: the mean of its heatmaps alone, as in G-RMI. multiplied: times the score of its box in personBoxes.',
      ),
  }),
  annotates: 'objects',
  formats: ['coco', 'tfrecord-detection'],
  metrics: [
    { name: 'AP', better: 'higher' },
    { name: 'AP@.5', better: 'higher' },
    { name: 'AR', better: 'higher' },
    { name: 'meanOKS', better: 'higher' },
  ],
} as const satisfies TaskDeclaration
