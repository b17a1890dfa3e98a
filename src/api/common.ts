/** The parts that both kinds share, as zod: types, bounds and descriptions come from here, and so does the CRD. */
import { z } from 'zod'
import { dnsLabel } from './names.ts'
import { PodTemplate } from './pod-template.ts'

/** A step of a path that is not `..`, said without a lookahead: the API server's expressions (RE2) have none. */
const SEGMENT = String.raw`(\.|\.?[A-Za-z0-9_-][A-Za-z0-9._-]*|\.\.[A-Za-z0-9._-]+)`
const INNER_PATH = new RegExp(`^${SEGMENT}(/${SEGMENT})*$`)
/** Nine digits: what the names of checkpoint folders sort by. */
const MAX_STEPS = 999_999_999
const MAX_SEED = 4_294_967_295

export const steps = z.int().min(1).max(MAX_STEPS)
const claimName = dnsLabel(63).describe('Name of a PersistentVolumeClaim in the namespace of the job.')
const innerPath = z
  .string()
  .max(512)
  .regex(INNER_PATH, 'a relative path inside the volume, without ".." (letters, digits, ".", "_", "-", "/")')
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
  format: z.enum(['tfrecord', 'imagenet-folder']),
  labels: innerPath.optional().describe('labels.json (id, name, parents), relative to the source path.'),
  subset: Subset.optional(),
  maxCorruptRecords: z
    .int()
    .min(0)
    .default(100)
    .describe('Unreadable records a pod skips and counts before the job fails.'),
}
export const DataSource = z.strictObject(dataFields)

export const Input = z.strictObject({
  resizePixels: z.int().min(8).max(2048),
  cropPixels: z.int().min(8).max(2048),
  flip: z.boolean(),
})

export const Model = z.strictObject({
  backbone: z.enum(['resnet-mini', 'resnet50', 'resnet101', 'resnet152']),
  classes: z.int().min(1).max(1_000_000),
  headSlices: z
    .int()
    .min(1)
    .max(1000)
    .describe('Column slices of the last layer (the paper: 50), spread over the parameter servers.'),
})

export const Optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('rmsprop'),
    decay: z.number().min(0).lt(1),
    momentum: z.number().min(0).lt(1),
    epsilon: z.number().gt(0),
  }),
  z.strictObject({ type: z.literal('momentum'), momentum: z.number().min(0).lt(1) }),
])

const rate = z.number().gt(0)
export const LearningRate = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('constant'), initial: rate }),
  z.strictObject({
    type: z.literal('exponential'),
    initial: rate,
    factor: z.number().gt(0).lte(1),
    everySteps: steps,
    staircase: z.boolean(),
  }),
  z.strictObject({
    type: z.literal('piecewise'),
    boundaries: z.array(steps).max(64),
    values: z.array(rate).max(65),
  }),
  z.strictObject({ type: z.literal('poly'), initial: rate, power: z.number().gt(0) }),
])

export const Async = z.strictObject({
  fetchEvery: z.int().min(1).default(1).describe('n_fetch: pull weights every so many worker steps.'),
  pushEvery: z.int().min(1).default(1).describe('n_push: push the sum of so many gradients.'),
  policy: z.enum(['async', 'lrOverStaleness', 'dcAsgd']).default('async'),
  maxStaleness: z
    .int()
    .min(0)
    .optional()
    .describe('Refuse pushes staler than this; the worker pulls and computes anew.'),
  warmStartSteps: z.int().min(0).max(MAX_STEPS).default(0).describe('Until this step worker 0 trains alone.'),
  delayCompensation: z.number().min(0).default(0.04).describe('lambda of dcAsgd.'),
})

export const Checkpoint = z.strictObject({
  everySteps: steps.optional(),
  everyMinutes: z.number().gt(0).optional(),
  keep: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe('Newest checkpoints kept; at least 2, for the last may be the torn one.'),
  keepBest: z.int().min(0).max(10).default(1).describe('Best-scored checkpoints kept besides.'),
  storage: z.strictObject({ volume: VolumePath }),
})

export const Runtime = z.strictObject({
  backend: z.enum(['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']).default('auto'),
  image: z.string().min(1).max(512).optional().describe("Container image; the operator's default when absent."),
})

export const ParameterServer = z.strictObject({
  replicas: z.int().min(1).max(200),
  template: PodTemplate.optional(),
})

export const Workers = z.strictObject({
  replicas: z.int().min(1).max(5000),
  quorum: z
    .int()
    .min(1)
    .optional()
    .describe('Fewer running workers than this for long: the job is Stalled. Default: 1.'),
  template: PodTemplate.optional(),
})

export const trainingFields = {
  model: Model,
  data: DataSource,
  input: Input,
  optimizer: Optimizer,
  learningRate: LearningRate,
  batchSize: z.int().min(1).max(65_536).describe('Examples a worker step, not over all workers.'),
  weightDecay: z.number().min(0).describe('L2, of weights that the model marks as decaying.'),
  batchNorm: z.strictObject({ decay: z.number().gt(0).lt(1), epsilon: z.number().gt(0) }),
  maxSteps: steps.describe('Global steps: pushes applied, by all workers together.'),
  seed: z
    .int()
    .min(0)
    .max(MAX_SEED)
    .describe('Of first weights, order of examples and augmentation: the same seed, the same start.'),
  async: Async,
  parameterServer: ParameterServer,
  workers: Workers,
  evaluator: z.strictObject({ template: PodTemplate.optional() }),
  runtime: Runtime,
  checkpoint: Checkpoint,
  maxNonFinite: z.int().min(1).describe('NaN/Inf gradients in a row before the job fails.'),
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
  data: DataSource,
  checkpoint: Checkpoint,
}
