import { z } from 'zod'
import { Input } from '../../contract/training.ts'
import { ClassOptions } from '../class-options.ts'
import type { TaskDeclaration } from '../declaration.ts'
import { outputStride } from '../output-stride.ts'

const { cropPixels, flip, resizeFilter } = Input.shape
/** A pixel of a mask is a byte, and 255 is void. */
const MOST_CLASSES = 255
const multiplier = z.number().positive().max(1000)

/** The class of each pixel, by DeepLab-ASPP-L (paper.md §2.4, §4.7). */
export const vocSegmentation = {
  type: 'voc-segmentation',
  kinds: ['FinetuneJob'],
  options: z.strictObject({
    classes: z
      .int()
      .min(1)
      .max(MOST_CLASSES)
      .describe(ClassOptions.shape.classes.description ?? '')
      .default(21),
    outputStride,
    rates: z
      .array(z.int().min(1).max(256))
      .min(1)
      .max(16)
      .describe('Dilation rate of each branch of the head, in pixels of the last feature.')
      .default([6, 12, 18, 24]),
    weightsMultiplier: multiplier.describe("Learning rate of the head's weights, in times of the job's.").default(10),
    biasMultiplier: multiplier.describe("Learning rate of the head's biases, in times of the job's.").default(20),
  }),
  input: z.strictObject({
    maxSidePixels: z.int().min(8).max(4096).describe('Larger pictures are scaled down to this long side.').default(513),
    cropPixels: cropPixels.default(321),
    minScale: z.number().min(0.1).max(1).describe('Training scales pictures at random, from this factor.').default(0.5),
    maxScale: z.number().min(1).max(4).describe('Training scales pictures at random, to this factor.').default(1.5),
    flip: flip.default(true),
    resizeFilter: resizeFilter.default('lanczos3'),
  }),
  annotates: 'masks',
  formats: ['voc', 'tfrecord-segmentation'],
  picturesBy: 'the mean IoU of their classes',
  metrics: [
    { name: 'mIOU', better: 'higher' },
    { name: 'pixelAccuracy', better: 'higher' },
    { name: 'loss', better: 'lower' },
  ],
} as const satisfies TaskDeclaration
