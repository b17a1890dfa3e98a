/** Options and input of tasks that find objects, as a job declares them. The defaults are the paper's (paper.md §4.6). */
import { z } from 'zod'
import { Input } from '../../contract/training.ts'
import { DownpourError } from '../../support/errors.ts'
import { ClassOptions } from '../class-options.ts'
import { parseFields } from '../declaration.ts'

const MOST = 16
const sizes = z.array(z.number().gt(0)).min(1).max(MOST)
const samples = z.int().min(2).max(4096)
const side = z.int().min(16).max(4096)

/** As sketch.ts computes it. */
export const DETECTION_PICTURES_BY =
  'the F1 measure at an IoU of 0.5 of their detections with a score of at least 0.5, which alone are drawn'

export const DetectionOptions = z.strictObject({
  classes: ClassOptions.shape.classes,
  anchorBase: z
    .number()
    .gt(0)
    .max(4096)
    .default(256)
    .describe('Side in pixels of the square anchor of scale 1; 256 when absent.'),
  anchorScales: sizes
    .default([0.25, 0.5, 1, 2])
    .describe(
      'Sizes of anchors as multiples of anchorBase; 0.25, 0.5, 1 and 2 when absent. Objects should be about as large.',
    ),
  anchorRatios: sizes.default([0.5, 1, 2]).describe('Width / height of anchors; 0.5, 1 and 2 when absent.'),
  borderAnchors: z
    .enum(['dropped', 'kept'])
    .default('dropped')
    .describe('Whether training uses anchors that cross the border of the picture. dropped when absent.'),
  proposerChannels: z
    .int()
    .min(1)
    .max(4096)
    .default(512)
    .describe('Channels of the first stage, which proposes boxes; 512 when absent.'),
  proposerSamples: samples.default(256).describe('Anchors of an image that a step learns from; 256 when absent.'),
  candidates: z
    .int()
    .min(1)
    .max(100_000)
    .default(6000)
    .describe('Best anchors of an image before overlapping ones are suppressed; 6000 when absent.'),
  proposals: z
    .int()
    .min(1)
    .max(2000)
    .default(300)
    .describe('Boxes of an image that the second stage looks at, at most; 300 when absent.'),
  cropSize: z
    .int()
    .min(1)
    .max(64)
    .default(14)
    .describe('Side, in feature pixels, that the features of each proposal are resized to; 14 when absent.'),
  cropPool: z
    .int()
    .min(1)
    .max(8)
    .default(2)
    .describe('Of the resized features, the maximum of squares of this side is taken; 2 when absent.'),
  boxSamples: samples.default(64).describe('Proposals of an image that a step learns from; 64 when absent.'),
  detectionIou: z
    .number()
    .gt(0)
    .max(1)
    .default(0.6)
    .describe('Of two detections of a class whose IoU is larger, the better one stays; 0.6 when absent.'),
})
export type DetectionOptions = z.output<typeof DetectionOptions>

/** As src/input/keep-aspect.ts does it. */
export const DetectionInput = z.strictObject({
  shortSidePixels: side
    .default(600)
    .describe(
      'Pictures are resized so that their short side has this many pixels, unless the long one would be too long.',
    ),
  longSidePixels: side.default(1024).describe('The most pixels of the long side; at least shortSidePixels.'),
  padToPixels: side
    .default(128)
    .describe('The long side is padded to a multiple of it, so that there are few sizes and batches share one.'),
  flip: Input.shape.flip.default(true),
  resizeFilter: Input.shape.resizeFilter.default('lanczos3'),
})

/** @throws DownpourError CONFIG_INVALID */
export function parseDetectionInput(given: unknown): z.output<typeof DetectionInput> {
  const input = parseFields(DetectionInput, given)
  const { shortSidePixels: short, longSidePixels: long } = input
  if (short <= long) return input
  const message = `task.input.longSidePixels: ${long}: expected at least shortSidePixels, ${short}`
  throw new DownpourError('CONFIG_INVALID', message)
}
