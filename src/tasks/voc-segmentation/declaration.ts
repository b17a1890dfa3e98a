import { z } from 'zod'
import { Input } from '../../contract/training.ts'
import { ClassOptions } from '../class-options.ts'
import type { TaskDeclaration } from '../declaration.ts'

const { cropPixels, flip } = Input.shape
const multiplier = z.number().positive().max(1000)

/** The class of each pixel, by DeepLab-ASPP-L (paper.md §2.4, §4.7). */
export const vocSegmentation = {
  type: 'voc-segmentation',
  kinds: ['FinetuneJob'],
  options: z.strictObject({
    classes: ClassOptions.shape.classes.default(21),
    outputStride: z
      .literal([4, 8, 16, 32])
      .default(8)
      .describe('Pixels from one output to the next. Strides of the backbone beyond it become dilations.'),
    rates: z
      .array(z.int().min(1).max(256))
      .min(1)
      .max(16)
      .default([6, 12, 18, 24])
      .describe('Dilation rate of each branch of the head, in pixels of the last feature.'),
    weightsMultiplier: multiplier.default(10).describe("Learning rate of the head's weights, in times of the job's."),
    biasMultiplier: multiplier.default(20).describe("Learning rate of the head's biases, in times of the job's."),
  }),
  input: z.strictObject({
    maxSidePixels: z.int().min(8).max(4096).default(513).describe('Larger pictures are scaled down to this long side.'),
    cropPixels: cropPixels.default(321),
    minScale: z.number().min(0.1).max(1).default(0.5).describe('Training scales pictures at random, from this factor.'),
    maxScale: z.number().min(1).max(4).default(1.5).describe('Training scales pictures at random, to this factor.'),
    flip: flip.default(true),
  }),
  annotates: 'masks',
  formats: ['voc', 'tfrecord-segmentation'],
  metrics: [
    { name: 'mIOU', better: 'higher' },
    { name: 'pixelAccuracy', better: 'higher' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
