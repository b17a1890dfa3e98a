/** The parts that both kinds share, as zod: types, bounds and descriptions come from here, and so does the CRD. */
import { z } from 'zod'
import { dnsLabel } from './names.ts'
import { PodTemplate } from './pod-template.ts'

/** A step of a path that is not `..`, said without a lookahead: the API server's expressions (RE2) have none. */
const SEGMENT = String.raw`(\.|\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\.\.[A-Za-z0-9._-]+)`
const IMAGE = /^[!-~]+$/
const INNER_PATH = new RegExp(`^${SEGMENT}(/${SEGMENT})*$`)
/** Nine digits: what the names of checkpoint folders sort by. */
export const MAX_STEPS = 999_999_999
export const MAX_CLASSES = 1_000_000
/** What the API server calls int32. */
export const MAX_INT = 2 ** 31 - 1
const MAX_SEED = 4_294_967_295

export const steps = z.int().min(1).max(MAX_STEPS)
const claimName = dnsLabel(63).describe('Name of a PersistentVolumeClaim in the namespace of the job.')
const innerPath = z
  .string()
  .max(512)
  .regex(INNER_PATH, 'a relative path inside the volume, without ".." (letters, digits, ".", "_", "-", "/")')
const filePattern = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9._*?+=@-]+$/, 'a pattern of file names: letters, digits, ".", "_", "-", "+", "=", "@", "*", "?"')
export const objectName = dnsLabel(50)

export const VolumePath = z.strictObject({
  claimName,
  path: innerPath.optional().describe('Folder inside the volume; the whole volume when absent.'),
})

export const Subset = z.strictObject({
  fraction: z.number().gt(0).lte(1).describe('Share of the images to keep, by seeded hash of the image id.'),
  seed: z.int().min(0).max(MAX_SEED).default(0).describe('Subsets of one seed are nested: 10% lies inside 30%.'),
})

const dataFields = {
  source: VolumePath.describe('Where the files are.'),
  format: z
    .enum(['tfrecord', 'imagenet-folder'])
    .describe('tfrecord: shards of tf.train.Example. imagenet-folder: a folder of images for each class.'),
  files: filePattern
    .optional()
    .describe('Pattern of the names of tfrecord shards, such as train-*; all when absent, which must be one series.'),
  labels: innerPath.optional().describe('labels.json (id, name, parents), relative to the source path.'),
  subset: Subset.optional().describe('Train on a part of the images; all when absent.'),
  maxCorruptRecords: z
    .int()
    .min(0)
    .max(MAX_INT)
    .default(100)
    .describe('Unreadable records a pod skips and counts before the job fails.'),
}
export const DataSource = z.strictObject(dataFields)

export const maxExamples = z
  .int()
  .min(1)
  .max(MAX_INT)
  .optional()
  .describe('Score so many images at most; all when absent.')

export const Input = z.strictObject({
  resizePixels: z.int().min(8).max(2048).describe('Side of the square that every image is resized to.'),
  cropPixels: z.int().min(8).max(2048).describe('Side of the random crop of it: what the model sees.'),
  flip: z.boolean().describe('Mirror every other image at random.'),
})

export const Model = z.strictObject({
  backbone: z.enum(['resnet-mini', 'resnet50', 'resnet101', 'resnet152']).describe('The network below the last layer.'),
  classes: z.int().min(1).max(MAX_CLASSES).describe('Outputs of the last layer.'),
  headSlices: z
    .int()
    .min(1)
    .max(1000)
    .describe('Column slices of the last layer (the paper: 50), spread over the parameter servers.'),
})

const momentum = z.number().min(0).lt(1).describe('Share of the last update in the next.')
export const Optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('rmsprop'),
    decay: z.number().min(0).lt(1).describe('Of the moving mean of squared gradients.'),
    momentum,
    epsilon: z.number().gt(0).describe('Added to the mean square before its root is taken.'),
  }),
  z.strictObject({ type: z.literal('momentum'), momentum }),
])

const rate = z.number().gt(0)
const initial = rate.describe('Learning rate at step 0.')
export const LearningRate = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), initial }),
  z.strictObject({
    type: z.literal('exponential'),
    initial,
    factor: z.number().gt(0).lte(1).describe('What the rate is multiplied by every so many steps.'),
    everySteps: steps.describe('Global steps in which the rate falls by factor.'),
    staircase: z.boolean().describe('True: it falls at once; false: a little with each step.'),
  }),
  z.strictObject({
    type: z.literal('piecewise'),
    boundaries: z.array(steps).max(64).describe('Global steps, ascending, after which the next value holds.'),
    values: z.array(rate).max(65).describe('Learning rates, one more than boundaries.'),
  }),
  z.strictObject({ type: z.literal('poly'), initial, power: z.number().gt(0).describe('Of (1 - step / maxSteps).') }),
])

export const Async = z.strictObject({
  fetchEvery: z.int().min(1).max(MAX_INT).default(1).describe('n_fetch: pull weights every so many worker steps.'),
  pushEvery: z.int().min(1).max(MAX_INT).default(1).describe('n_push: push the sum of so many gradients.'),
  policy: z
    .enum(['async', 'lrOverStaleness', 'dcAsgd'])
    .default('async')
    .describe(
      'What is done about gradients of older weights: nothing, a smaller step, or a correction of first order.',
    ),
  maxStaleness: z
    .int()
    .min(0)
    .max(MAX_INT)
    .optional()
    .describe('Refuse pushes staler than this; the worker pulls and computes anew.'),
  warmStartSteps: z.int().min(0).max(MAX_STEPS).default(0).describe('Until this step worker 0 trains alone.'),
  delayCompensation: z.number().min(0).default(0.04).describe('lambda of dcAsgd.'),
})

export const Checkpoint = z.strictObject({
  everySteps: steps.optional().describe('Save whenever so many global steps are done.'),
  everyMinutes: z.number().gt(0).max(MAX_INT).optional().describe('Save after so much time; instead of everySteps.'),
  keep: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe('Newest checkpoints kept; at least 2, for the last may be the torn one.'),
  keepBest: z.int().min(0).max(10).default(1).describe('Best-scored checkpoints kept besides.'),
  storage: z
    .strictObject({
      volume: VolumePath.describe('Mounted by every pod of the job: ReadWriteMany, or all on one node.'),
    })
    .describe('Where checkpoints lie. They outlive the job.'),
})

/** fixed: uid, gid and fsGroup 65532. platform: whatever the namespace assigns. */
export const POD_IDS = ['fixed', 'platform'] as const

export const Runtime = z.strictObject({
  backend: z
    .enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'])
    .default('auto')
    .describe('What computes. auto: the fastest that the image and the node have.'),
  image: z
    .string()
    .max(512)
    .regex(IMAGE, 'the name of an image, without blanks')
    .optional()
    .describe("Container image; the operator's default when absent."),
  podIds: z
    .enum(POD_IDS)
    .optional()
    .describe(
      "fixed: pods run as user, group and fsGroup 65532. platform: the namespace assigns them, as on OpenShift. The operator's default when absent.",
    ),
})

const template = PodTemplate.optional().describe('What these pods need: resources, nodes, environment, volumes.')

export const ParameterServer = z.strictObject({
  replicas: z.int().min(1).max(200).describe('Shards that the weights are spread over, a pod each.'),
  template,
})

export const Workers = z.strictObject({
  replicas: z.int().min(1).max(5000).describe('Pods that train, each by itself.'),
  quorum: z
    .int()
    .min(1)
    .max(5000)
    .optional()
    .describe('Fewer running workers than this for long: the job is Stalled. Default: 1.'),
  template,
})

export const trainingFields = {
  model: Model,
  data: DataSource.describe('What is trained on.'),
  input: Input,
  optimizer: Optimizer,
  learningRate: LearningRate,
  batchSize: z.int().min(1).max(65_536).describe('Examples a worker step, not over all workers.'),
  weightDecay: z.number().min(0).describe('L2, of weights that the model marks as decaying.'),
  batchNorm: z.strictObject({
    decay: z.number().gt(0).lt(1).describe('Of the moving mean and variance.'),
    epsilon: z.number().gt(0).describe('Added to a variance before its root is taken.'),
  }),
  maxSteps: steps.describe('Global steps: pushes applied, by all workers together.'),
  seed: z
    .int()
    .min(0)
    .max(MAX_SEED)
    .describe('Of first weights, order of examples and augmentation: the same seed, the same start.'),
  async: Async,
  parameterServer: ParameterServer,
  workers: Workers,
  evaluator: z.strictObject({ template }).describe('The pod that scores checkpoints, if there is an evaluation.'),
  runtime: Runtime.describe('The program in the pods.'),
  checkpoint: Checkpoint.describe('When the weights are saved, where, and which are kept.'),
  maxNonFinite: z.int().min(1).max(MAX_INT).describe('NaN/Inf gradients in a row before the job fails.'),
}

const inputFields = {
  ...trainingFields,
  model: Model.partial().describe('What is trained. Cannot change.'),
  input: Input.partial().describe('Resize to a square, random crop, random flip; pixels to [-1, 1].'),
  optimizer: Optimizer.describe('Given whole: it replaces that of the preset.'),
  learningRate: LearningRate.describe('In global steps. Given whole: it replaces that of the preset.'),
  batchNorm: trainingFields.batchNorm.partial().describe('Decay and epsilon of the moving statistics.'),
  async: Async.describe('How workers and parameter servers keep in step, or do not.'),
  parameterServer: ParameterServer.partial().describe('The pods that hold weights and optimizer, a shard each.'),
  workers: Workers.partial().describe(
    'The pods that compute gradients. Scaled by kubectl scale once replicas is given here.',
  ),
}
/** The same as a user may write them: what a preset or a default can fill is optional, in groups as well. */
export const trainingInputFields = {
  ...z.strictObject(inputFields).partial().shape,
  data: trainingFields.data,
  checkpoint: trainingFields.checkpoint,
}
