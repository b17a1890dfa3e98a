/**
 * The vocabulary of training, declared once: the name of each field, its bounds, and what it means. src/api builds the
 * CRDs from it and adds presets, defaults and rules between fields; src/contract/runtime.ts builds what a pod reads.
 */
import { z } from 'zod'
import { dataFormat, FORMAT_OPTIONS } from './data-formats.ts'
import { innerPath } from './paths.ts'

/** Nine digits: names of checkpoint folders are sorted as text. */
export const MAX_STEPS = 999_999_999
/** The API server's int32. */
export const MAX_INT = 2 ** 31 - 1
const MAX_SEED = 4_294_967_295

const whole = z.int().min(0).max(MAX_INT)
export const positive = z.int().min(1).max(MAX_INT)
export const steps = z.int().min(1).max(MAX_STEPS)
export const seed = z.int().min(0).max(MAX_SEED)
/** The share of a moving mean that remains after one update. */
const fraction = z.number().min(0).lt(1)
const rate = z.number().gt(0)

export const Model = z.strictObject({
  backbone: z
    .enum(['resnet-mini', 'resnet18', 'resnet50', 'resnet101', 'resnet152'])
    .describe('The network below the last layer.'),
  variant: z
    .exactOptional(z.enum(['slim', 'torchvision']))
    .describe(
      'Which weights fit. TF-slim and torchvision differ in strides, padding and normalisation of pixels, and their variables have the same shapes. slim when absent.',
    ),
})
export type Model = z.output<typeof Model>

/** Fills in the variant of a job that names none. */
export function completeModel({ backbone, variant = 'slim' }: Model): Required<Model> {
  return { backbone, variant }
}

/** @example 'resnet50 (variant slim)' */
export function modelText({ backbone, variant }: Readonly<Record<keyof Model, string>>): string {
  return `${backbone} (variant ${variant})`
}

export const Subset = z.strictObject({
  fraction: z.number().gt(0).lte(1).describe('Share of the images to keep, by seeded hash of the image id.'),
  seed: seed.describe('Subsets with the same seed are nested: the images of 10% are among those of 30%.'),
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

/** A data set without its place: a job names a claim, a pod a path. */
export const Data = z.strictObject({
  format: dataFormat,
  ...FORMAT_OPTIONS,
  subset: z.exactOptional(Subset).describe('Train on a part of the images; all when absent.'),
  labelSubset: z.exactOptional(LabelSubset).describe('Train on the images of some labels; on all when absent.'),
  maxCorruptRecords: whole.describe('Unreadable records a pod skips and counts before the job fails.'),
})

/** How a picture is made smaller or larger; src/data/codecs/image.ts does it. */
export const ResizeFilter = z.enum(['lanczos3', 'linear'])
export type ResizeFilter = z.output<typeof ResizeFilter>

/** Resize to a square, random crop, random flip, pixels to [-1, 1] (paper.md §1.2). */
export const Input = z.strictObject({
  resizePixels: z.int().min(8).max(2048).describe('Side of the square that every image is resized to.'),
  cropPixels: z.int().min(8).max(2048).describe('Side of the random crop of it: what the model sees.'),
  flip: z.boolean().describe('Mirror each image with probability 1/2.'),
  resizeFilter: ResizeFilter.describe(
    'How pictures are resized, in training and evaluation. linear: a little less sharp, and a tenth faster at most.',
  ),
})

const momentum = fraction.describe('Share of the previous update in the next one.')
const epsilon = rate.describe('Added to the mean square before its root is taken (rmsprop), or to the root (adam).')
/** The update of each is a file of src/ps/optimizers. */
export const Optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('rmsprop'),
    decay: fraction.describe('Decay of the moving mean of squared gradients.'),
    momentum,
    epsilon,
  }),
  z.strictObject({ type: z.literal('momentum'), momentum }),
  z.strictObject({
    type: z.literal('adam'),
    beta1: fraction.describe('Decay of the moving mean of gradients; usually 0.9.'),
    beta2: fraction.describe('Decay of the moving mean of squared gradients; usually 0.999.'),
    epsilon,
  }),
])
export type Optimizer = z.output<typeof Optimizer>

const initial = rate.describe('Learning rate at step 0.')
const warmupSteps = z
  .exactOptional(z.int().min(0).max(MAX_STEPS))
  .describe('The rate grows linearly from 0 during so many global steps; 0 when absent.')
/** In global steps (paper.md §4.3). */
export const LearningRate = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), initial, warmupSteps }),
  z.strictObject({
    type: z.literal('exponential'),
    initial,
    factor: rate.lte(1).describe('The rate is multiplied by this every everySteps global steps.'),
    everySteps: steps.describe('Global steps after which the rate has fallen by factor.'),
    staircase: z
      .boolean()
      .describe('True: the rate falls at each multiple of everySteps. False: it falls a little with each step.'),
    warmupSteps,
  }),
  z.strictObject({
    type: z.literal('piecewise'),
    boundaries: z.array(steps).max(64).describe('Global steps, ascending, after which the next value holds.'),
    values: z.array(rate).max(65).describe('Learning rates, one more than boundaries.'),
    warmupSteps,
  }),
  z.strictObject({
    type: z.literal('poly'),
    initial,
    power: rate.describe('Exponent of (1 - step / maxSteps).'),
    warmupSteps,
  }),
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
  z.strictObject({
    type: z.literal('boundedDelay'),
    maxDelay: z
      .int()
      .min(0)
      .max(MAX_STEPS)
      .describe(
        'A worker begins a step only if it is at most so many pushes ahead of the slowest running worker. 0: all take each step together.',
      ),
  }),
  z.strictObject({
    type: z.literal('syncBackup'),
    backups: whole.describe(
      'Workers whose gradients an update does not wait for: the mean of the first workers.replicas - backups gradients is one update, later ones of the same weights are dropped.',
    ),
  }),
])
export type AsyncPolicy = z.output<typeof AsyncPolicy>

/** The formats are in src/wire/encodings.ts. */
export const Compression = z.enum(['none', 'fp16', 'bf16', 'int8'])
export type Compression = z.output<typeof Compression>

export const Async = z.strictObject({
  fetchEvery: positive.describe('n_fetch: worker steps between pulls of the weights.'),
  pushEvery: positive.describe(
    'n_push: number of gradients that a push sums up. Weight decay is applied as many times, batch statistics are averaged.',
  ),
  prefetch: z
    .exactOptional(z.boolean())
    .describe(
      'true: a worker sends its last gradient and pulls the next weights while it computes, so its weights lack that gradient, and a worker has weights and gradients twice. false: between its steps. false when absent.',
    ),
  policy: AsyncPolicy.describe(
    'How gradients of older weights are applied: unchanged, with the learning rate divided by the staleness, or with a first-order correction; how far workers may be apart; or synchronous updates with backup workers.',
  ),
  maxStaleness: z
    .exactOptional(whole)
    .describe('Pushes with a higher staleness are refused; the worker pulls and computes again.'),
  warmStartSteps: z
    .int()
    .min(0)
    .max(MAX_STEPS)
    .describe('Global steps that worker 0 trains alone before the others start.'),
  compression: z
    .exactOptional(Compression)
    .describe(
      'Format of the gradients in a push: float32 (none), 16 bits (fp16, bf16), or 8 bits with a scale for each 256 values (int8). What a push loses by it is added to the next one of the worker. Weights are pulled as float32. none when absent.',
    ),
})

export const BatchNorm = z.strictObject({
  decay: rate.lt(1).describe('Decay of the moving mean and variance.'),
  epsilon: rate.describe('Added to a variance before its root is taken.'),
  mode: z
    .exactOptional(z.enum(['trained', 'frozen', 'calibrated']))
    .describe(
      'trained: each batch is normalised by its own mean and variance. frozen: by the moving ones of the source, and no variable of batch norm changes, for batches too small to measure statistics. calibrated: as frozen, with statistics that worker 0 measures on 64 training images before its first push. trained when absent. Cannot change.',
    ),
})

export const backend = z
  .enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'])
  .describe('The library that computes. auto: the fastest one that the image and the node support.')
export const graph = z
  .enum(['auto', 'off'])
  .describe(
    'Whether native TensorFlow runs a step as one recorded graph. auto: where the task allows it, after a check against the step itself; the log of the worker says why not. off: operation by operation.',
  )
export type GraphMode = z.output<typeof graph>
export const protocol = z.enum(['finetune', 'frozen']).describe('frozen: only the new head trains.')
/** Stages of a backbone: its root, then its blocks. */
export const Freeze = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('all') }),
  z.strictObject({
    type: z.literal('stages'),
    stages: z
      .int()
      .min(1)
      .max(5)
      .describe('Number of stages of the backbone that do not train: 1 is the root, 2 adds the first block.'),
  }),
])
export type Freeze = z.output<typeof Freeze>
export const DEFAULT_MAX_WAITING = 4
/** How checkpoints are scored. */
export const Evaluation = z.strictObject({
  maxExamples: z
    .exactOptional(positive)
    .describe('Score a sample of so many images, drawn by the seed of the job; all images when absent.'),
  exclude: z
    .exactOptional(innerPath)
    .describe(
      'A list of image ids, one a line, relative to the source path. Metrics are also computed without these images.',
    ),
  maxWaiting: z
    .int()
    .min(0)
    .max(100)
    .describe(
      'Checkpoints that are kept in addition until they are scored. With more, the oldest is deleted without a score.',
    ),
})

/** Numbers that a job and a RuntimeConfig share. */
export const Training = z.strictObject({
  batchSize: z.int().min(1).max(65_536).describe('Examples in one step of one worker.'),
  weightDecay: z.number().min(0).describe('L2 penalty on weights of convolutions and of the last layer.'),
  gradientClipNorm: z
    .exactOptional(rate)
    .describe('The gradient of a variable whose L2 norm is larger is scaled down to this norm; no limit when absent.'),
  maxSteps: steps.describe(
    'Global steps: updates of the weights. Each push is one, of any worker; with syncBackup several together are one.',
  ),
  seed: seed.describe('Seed of the initial weights, the order of examples and augmentation.'),
  maxNonFinite: positive.describe('Consecutive gradients with NaN or infinity before the job fails.'),
})

export const perPod = z
  .int()
  .min(1)
  .max(16)
  .describe(
    'Processes that compute in each pod, one for each of its GPUs. A push is the sum of their gradients, as with async.pushEvery.',
  )

/** From when on a worker counts as slow. */
export const Straggling = z.strictObject({
  slowerThan: z
    .number()
    // Not at least 1.5: API servers compare whole numbers with the whole part of a bound.
    .gt(1)
    .max(1000)
    .describe('A worker is slow if a step takes it longer than this factor times the median of all workers.'),
  forSeconds: z.int().min(10).max(86_400).describe('Seconds for which it must be slow without a break.'),
})
export type Straggling = z.output<typeof Straggling>
export const DEFAULT_STRAGGLING: Straggling = { slowerThan: 2, forSeconds: 300 }

export const Metrics = z.strictObject({
  perWorker: z
    .boolean()
    .describe(
      'Whether parameter server 0 exports pushes, staleness and slowness of each worker: five series a worker.',
    ),
})

/** How many checkpoints are kept. */
export const Retention = z.strictObject({
  keep: z.int().min(2).max(100).describe('Newest checkpoints kept; at least 2, because the newest may be damaged.'),
  keepBest: z.int().min(0).max(10).describe('Checkpoints with the best scores kept in addition.'),
})
