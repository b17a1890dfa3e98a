/**
 * The vocabulary of training, declared once: the name of each field, its bounds, and what it means. src/api builds the
 * CRDs from it and adds presets, defaults and rules between fields; src/contract/runtime.ts builds what a pod reads.
 */
import { z } from 'zod'
import { dataFormat, FORMAT_OPTIONS } from './data-formats.ts'

/** Nine digits: names of checkpoint folders are sorted as text. */
export const MAX_STEPS = 999_999_999
/** The API server's int32. */
export const MAX_INT = 2 ** 31 - 1
const MAX_SEED = 4_294_967_295

const whole = z.int().min(0).max(MAX_INT)
export const positive = z.int().min(1).max(MAX_INT)
export const steps = z.int().min(1).max(MAX_STEPS)
export const seed = z.int().min(0).max(MAX_SEED)
/** Below 1: what is left of a moving mean after one update. */
const fraction = z.number().min(0).lt(1)
const rate = z.number().gt(0)

export const Model = z.strictObject({
  backbone: z.enum(['resnet-mini', 'resnet50', 'resnet101', 'resnet152']).describe('The network below the last layer.'),
})

export const Subset = z.strictObject({
  fraction: z.number().gt(0).lte(1).describe('Share of the images to keep, by seeded hash of the image id.'),
  seed: seed.describe('Subsets of one seed are nested: 10% lies inside 30%.'),
})

/** Bounds: the names of spec.data and spec.evaluation.data must fit into one variable of the environment, 128 KiB. */
export const LabelSubset = z.strictObject({
  names: z
    .array(z.string().min(1).max(60))
    .min(1)
    .max(1000)
    .describe('Images without one of these labels, given or by the hierarchy, are left out.'),
  keepOtherLabels: z
    .boolean()
    .describe('True: the images keep all their labels. False: the named labels are the only classes.'),
})

/** What a data set is. Where it is, a job says by a claim and a pod by a path. */
export const Data = z.strictObject({
  format: dataFormat,
  ...FORMAT_OPTIONS,
  subset: z.exactOptional(Subset).describe('Train on a part of the images; all when absent.'),
  labelSubset: z.exactOptional(LabelSubset).describe('Train on the images of some labels; on all when absent.'),
  maxCorruptRecords: whole.describe('Unreadable records a pod skips and counts before the job fails.'),
})

/** Resize to a square, random crop, random flip, pixels to [-1, 1] (paper.md §1.2). */
export const Input = z.strictObject({
  resizePixels: z.int().min(8).max(2048).describe('Side of the square that every image is resized to.'),
  cropPixels: z.int().min(8).max(2048).describe('Side of the random crop of it: what the model sees.'),
  flip: z.boolean().describe('Mirror every other image at random.'),
})

const momentum = fraction.describe('Share of the last update in the next.')
const epsilon = rate.describe('Added to the mean square before its root is taken (rmsprop), or to the root (adam).')
/** The update of each is a file of src/ps/optimizers. */
export const Optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('rmsprop'),
    decay: fraction.describe('Of the moving mean of squared gradients.'),
    momentum,
    epsilon,
  }),
  z.strictObject({ type: z.literal('momentum'), momentum }),
  z.strictObject({
    type: z.literal('adam'),
    beta1: fraction.describe('Of the moving mean of gradients; usually 0.9.'),
    beta2: fraction.describe('Of the moving mean of squared gradients; usually 0.999.'),
    epsilon,
  }),
])
export type Optimizer = z.output<typeof Optimizer>

const initial = rate.describe('Learning rate at step 0.')
/** In global steps (paper.md §4.3). */
export const LearningRate = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), initial }),
  z.strictObject({
    type: z.literal('exponential'),
    initial,
    factor: rate.lte(1).describe('What the rate is multiplied by every so many steps.'),
    everySteps: steps.describe('Global steps in which the rate falls by factor.'),
    staircase: z.boolean().describe('True: it falls at once; false: a little with each step.'),
  }),
  z.strictObject({
    type: z.literal('piecewise'),
    boundaries: z.array(steps).max(64).describe('Global steps, ascending, after which the next value holds.'),
    values: z.array(rate).max(65).describe('Learning rates, one more than boundaries.'),
  }),
  z.strictObject({ type: z.literal('poly'), initial, power: rate.describe('Of (1 - step / maxSteps).') }),
])
export type LearningRate = z.output<typeof LearningRate>

/** Each is a file of src/ps/async. */
export const AsyncPolicy = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('async') }),
  z.strictObject({ type: z.literal('lrOverStaleness') }),
  z.strictObject({
    type: z.literal('dcAsgd'),
    delayCompensation: z
      .number()
      .min(0)
      .default(0.04)
      .describe('lambda of dcAsgd: share of the estimated change of the gradient; 0.04 when absent.'),
  }),
])
export type AsyncPolicy = z.output<typeof AsyncPolicy>

export const Async = z.strictObject({
  fetchEvery: positive.describe('n_fetch: pull weights every so many worker steps.'),
  pushEvery: positive.describe(
    'n_push: push the sum of so many gradients; weight decay counts as often, batch statistics are averaged.',
  ),
  policy: AsyncPolicy.describe(
    'What is done about gradients of older weights: nothing, a learning rate divided by staleness, or a correction of first order.',
  ),
  maxStaleness: z.exactOptional(whole).describe('Refuse pushes staler than this; the worker pulls and computes anew.'),
  warmStartSteps: z.int().min(0).max(MAX_STEPS).describe('Until this step worker 0 trains alone.'),
})

export const BatchNorm = z.strictObject({
  decay: rate.lt(1).describe('Of the moving mean and variance.'),
  epsilon: rate.describe('Added to a variance before its root is taken.'),
})

export const backend = z
  .enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'])
  .describe('What computes. auto: the fastest that the image and the node have.')
export const protocol = z.enum(['finetune', 'frozen']).describe('frozen: only the new head trains.')
export const maxExamples = positive.describe('Score so many images at most; all when absent.')

/** Numbers of the training itself, the same in a job and in a pod. */
export const Training = z.strictObject({
  batchSize: z.int().min(1).max(65_536).describe('Examples a worker step, not over all workers.'),
  weightDecay: z.number().min(0).describe('L2, of weights that the model marks as decaying.'),
  maxSteps: steps.describe('Global steps: pushes applied, by all workers together.'),
  seed: seed.describe('Of first weights, order of examples and augmentation: the same seed, the same start.'),
  maxNonFinite: positive.describe('NaN/Inf gradients in a row before the job fails.'),
})

/** How many checkpoints are kept. */
export const Retention = z.strictObject({
  keep: z.int().min(2).max(100).describe('Newest checkpoints kept; at least 2, for the last may be the torn one.'),
  keepBest: z.int().min(0).max(10).describe('Best-scored checkpoints kept besides.'),
})
